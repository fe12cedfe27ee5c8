import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CLOSE_CODES, closeCode, encode, parse } from '../../static/js/live/protocol.js';

const golden = JSON.parse(readFileSync(new URL('../golden/frames.json', import.meta.url), 'utf8'));

describe('golden frames', () => {
  for (const { name, frame } of golden.server) {
    test(`the server may say: ${name}`, () => {
      const { msg, error } = parse(JSON.stringify(frame));
      assert.equal(error, null);
      assert.deepEqual(msg, frame);
    });
  }

  for (const { name, frame, text, why } of golden.invalid_server) {
    test(`the server may not say: ${name}`, () => {
      const { msg, error } = parse(text ?? JSON.stringify(frame));
      assert.equal(msg, null);
      assert.ok(error.includes(why), `"${error}" should name ${why}`);
      if (frame?.t) assert.equal(error, `${frame.t}: ${why} is wrong`);
    });
  }

  const say = {
    hello: ({ build, ticket }) => encode.hello(build, ticket),
    sub: ({ id, dashboard, series, sources, history, since, window, points }) => encode.sub(id, { dashboard, series, sources, history, window, points }, since),
    unsub: ({ id, sub }) => encode.unsub(id, sub),
    ack: ({ k }) => encode.ack(k),
    set: ({ id, rate, visible }) => encode.set(id, { rate, visible }),
    pause: ({ id, on }) => encode.pause(id, on),
    ping: ({ id }) => encode.ping(id),
  };
  for (const { name, frame } of golden.client) {
    test(`the client says: ${name}`, () => assert.deepEqual(JSON.parse(say[frame.t](frame)), frame));
  }

  test('every kind of message has an example', () => {
    const kinds = (list) => [...new Set(list.map(({ frame }) => frame.t))].sort();
    assert.deepEqual(kinds(golden.server), ['bye', 'd', 'err', 'ev', 'gap', 'hb', 'hello', 'ok', 'pong', 'snap', 'st', 'stat', 'subd']);
    assert.deepEqual(kinds(golden.client), ['ack', 'hello', 'pause', 'ping', 'set', 'sub', 'unsub']);
  });

  test('no client example is among the invalid ones', () => {
    const invalid = new Set(golden.invalid_client.map(({ text }) => text));
    for (const { frame } of golden.client) assert.ok(!invalid.has(JSON.stringify(frame)));
  });
});

describe('parse', () => {
  test('an unknown kind is neither a message nor an error', () => {
    assert.deepEqual(parse('{"t":"dance","x":1}'), { msg: null, error: null });
    assert.deepEqual(parse('{"t":"constructor"}'), { msg: null, error: null });
  });

  test('unknown fields are ignored', () => {
    assert.equal(parse('{"t":"ok","id":1,"colour":"red"}').error, null);
  });

  test('anything but text is an error, not an exception', () => {
    for (const data of [new ArrayBuffer(4), undefined, null, 7]) assert.equal(parse(data).error, 'not text');
  });

  test('a number too large for JSON does not pass as a value', () => {
    const text = '{"t":"d","k":"a","d":[{"src":1,"a":1,"b":1,"n":1,"rows":{"i":[1],"t0":0,"t":[0],"v":[1e999]}}]}';
    assert.equal(parse(text).error, 'd: v is wrong');
  });

  test('a range without anything asked for may leave its rows out', () => {
    for (const rows of ['', ',"rows":null', ',"rows":{}']) {
      const { msg } = parse(`{"t":"d","k":"a","d":[{"src":1,"a":1,"b":9,"n":0${rows}}]}`);
      assert.equal(msg.d[0].rows.i.length, 0);
    }
  });
});

describe('close codes', () => {
  const stops = { 4500: 'signed_out', 4501: 'malformed', 4502: 'malformed', 4503: 'forbidden', 4506: 'mismatch' };
  for (const code of Object.keys(CLOSE_CODES).map(Number)) {
    test(`${code} says what happened and what to do`, () => {
      const meaning = closeCode(code);
      assert.ok(meaning.text.endsWith('.') && meaning.action.endsWith('.'));
      assert.equal(meaning.stop, code in stops);
      if (meaning.stop) assert.equal(meaning.reason, stops[code]);
    });
  }

  test('every code of the contract is there', () => {
    for (const code of [4001, 4002, 4004, 4008, 4013, 4029, 4500, 4501, 4502, 4503, 4506, 1000, 1001, 1005, 1006, 1009, 1011, 1012, 1013]) {
      assert.ok(CLOSE_CODES[code], String(code));
    }
  });

  test('an unknown code stops from 4500 on and is retried below', () => {
    assert.equal(closeCode(4599).stop, true);
    assert.equal(closeCode(4599).reason, 'mismatch');
    for (const code of [4499, 4005, 1015, 3000, null]) assert.equal(closeCode(code).stop, false);
  });
});
