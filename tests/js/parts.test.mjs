import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Credit } from '../../static/js/live/credit.js';
import { Emitter } from '../../static/js/live/emitter.js';
import { Heads } from '../../static/js/live/heads.js';
import { Journal } from '../../static/js/live/journal.js';
import { probe } from '../../static/js/live/probe.js';
import { Silence } from '../../static/js/live/silence.js';
import { Sources } from '../../static/js/live/sources.js';
import { Stats } from '../../static/js/live/stats.js';
import { Subscriptions } from '../../static/js/live/subscriptions.js';
import { FakeClock } from './support/clock.mjs';

describe('credit', () => {
  const made = () => {
    const clock = new FakeClock();
    const acks = [];
    return { clock, acks, credit: new Credit(clock, (token) => acks.push(token)) };
  };

  test('acknowledges every 16 frames with the last token', () => {
    const { credit, acks } = made();
    for (let n = 1; n <= 33; n += 1) credit.applied(`k${n}`, 10);
    assert.deepEqual(acks, ['k16', 'k32']);
  });

  test('acknowledges every 64 KiB', () => {
    const { credit, acks } = made();
    credit.applied('a', 40_000);
    credit.applied('b', 25_535);
    assert.deepEqual(acks, []);
    credit.applied('c', 1);
    assert.deepEqual(acks, ['c']);
  });

  test('acknowledges after a second at the latest, and only once', () => {
    const { credit, acks, clock } = made();
    credit.applied('a', 1);
    clock.advance(600);
    credit.applied('b', 1);
    clock.advance(399);
    assert.deepEqual(acks, []);
    clock.advance(1);
    assert.deepEqual(acks, ['b']);
    clock.advance(10_000);
    assert.deepEqual(acks, ['b']);
    assert.equal(clock.timers, 0);
  });

  test('forgets the tokens of a socket that is gone', () => {
    const { credit, acks, clock } = made();
    credit.applied('a', 1);
    credit.reset();
    clock.advance(5000);
    credit.flush();
    assert.deepEqual(acks, []);
  });
});

describe('silence', () => {
  const watch = (limit = () => 10_000) => {
    const clock = new FakeClock();
    let calls = 0;
    const silence = new Silence(clock, limit, () => (calls += 1));
    silence.start();
    return { clock, silence, calls: () => calls };
  };

  test('is noticed when it is over the limit and not before', () => {
    const { clock, silence, calls } = watch();
    clock.advance(9_000);
    silence.heard();
    clock.advance(9_999);
    assert.equal(calls(), 0);
    clock.advance(1);
    assert.equal(calls(), 1);
    assert.equal(clock.timers, 0);
  });

  test('a timer that fires late gives a second of grace, in which a message saves the line', () => {
    const { clock, silence, calls } = watch();
    clock.sleep(60_000);
    assert.equal(calls(), 0);
    clock.advance(500);
    silence.heard();
    clock.advance(9_999);
    assert.equal(calls(), 0);
    clock.advance(1);
    assert.equal(calls(), 1);
  });

  test('grace is given once', () => {
    const { clock, calls } = watch();
    clock.sleep(60_000);
    clock.sleep(60_000);
    assert.equal(calls(), 1);
  });

  test('a limit of infinity watches nothing until it is looked at again', () => {
    let limit = Infinity;
    const { clock, silence, calls } = watch(() => limit);
    clock.advance(1e9);
    limit = 10;
    silence.look();
    clock.advance(10);
    assert.equal(calls(), 1);
  });

  test('a thousand messages cost no timer', () => {
    const { clock, silence } = watch();
    let made = 0;
    const set = clock.setTimeout;
    clock.setTimeout = (...args) => ((made += 1), set(...args));
    for (let n = 0; n < 1000; n += 1) silence.heard();
    assert.equal(made, 0);
  });
});

describe('emitter', () => {
  test('a listener that throws is reported and stops nobody', () => {
    const thrown = [];
    const emitter = new Emitter((error, event) => thrown.push([event, error.message]));
    const heard = [];
    emitter.on('x', () => {
      throw new Error('bad panel');
    });
    emitter.on('x', (value) => heard.push(value));
    emitter.emit('x', 1);
    assert.deepEqual([heard, thrown], [[1], [['x', 'bad panel']]]);
  });

  test('a listener taken off during an event is not called any more; one put on is called next time', () => {
    const emitter = new Emitter(() => {});
    const heard = [];
    emitter.on('x', () => {
      off();
      emitter.on('x', () => heard.push('new'));
    });
    const off = emitter.on('x', () => heard.push('old'));
    emitter.emit('x');
    assert.deepEqual(heard, []);
    off();
    emitter.emit('x');
    assert.deepEqual(heard, ['new']);
  });

  test('only functions listen', () => assert.throws(() => new Emitter(() => {}).on('x', 5), TypeError));
});

describe('journal', () => {
  test('keeps the last 200 entries, counts all, and can be exported', () => {
    const journal = new Journal({ now: () => 5.4 });
    for (let n = 0; n < 250; n += 1) journal.note('down', { n });
    assert.equal(journal.entries().length, 200);
    assert.deepEqual(journal.entries()[0], { at: 5, what: 'down', detail: { n: 50 } });
    assert.equal(JSON.parse(journal.export()).counts.down, 250);
  });
});

describe('stats', () => {
  const made = () => {
    const clock = new FakeClock(100_000);
    const server = { now: () => clock.now() + 1e12, rtt: 34 };
    return { clock, server, stats: new Stats(clock.now, server) };
  };

  test('rates are those of the last ten full seconds', () => {
    const { clock, stats } = made();
    for (let second = 0; second < 30; second += 1) {
      for (let n = 0; n < 4; n += 1) {
        stats.frame(500);
        stats.range(3, 1);
      }
      stats.picture();
      clock.advance(1000);
    }
    const read = stats.read();
    assert.deepEqual([read.framesPerSecond, read.bytesPerSecond, read.inRate, read.shownRate, read.rtt], [4, 2000, 12, 1, 34]);
    assert.ok(Math.abs(read.merged - 2 / 3) < 1e-9);
    assert.equal(read.totals.ticks, 360);
    clock.advance(11_000);
    assert.equal(stats.read().framesPerSecond, 0);
  });

  test('age is that of the rows on arrival', () => {
    const { server, stats } = made();
    assert.equal(stats.read().ageP50, null);
    for (let n = 1; n <= 100; n += 1) stats.row(server.now() - n);
    const read = stats.read();
    assert.deepEqual([read.ageP50, read.ageP95], [51, 96]);
    for (let n = 0; n < 512; n += 1) stats.row(server.now() - 7);
    assert.equal(stats.read().ageP95, 7);
  });
});

describe('heads', () => {
  test('a viewer behind the head and unmoved is noticed by the second heartbeat', () => {
    const heads = new Heads();
    heads.set(42, 'E', 100);
    assert.equal(heads.standing(42, ['E', 90]), 1);
    assert.equal(heads.standing(42, ['E', 95]), 1, 'he moved');
    assert.equal(heads.standing(42, ['E', 95]), 2);
    assert.equal(heads.standing(42, ['E', 95]), 3);
    assert.equal(heads.standing(42, ['E', 100]), 0);
    assert.equal(heads.standing(42, null), 1);
    assert.equal(heads.standing(7, ['E', 1]), 0, 'a source nobody spoke of');
  });

  test('counts what waits', () => {
    const heads = new Heads();
    heads.set(42, 'E', 100);
    assert.equal(heads.waiting(42, ['E', 60]), 40);
    assert.equal(heads.waiting(42, ['F', 60]), 0);
    assert.equal(heads.waiting(42, null), 0);
  });
});

describe('sources', () => {
  const made = () => {
    const sources = new Sources();
    sources.define([{ src: 42, name: 'Market', cadence: 1, state: 'live' }], 1000);
    return sources;
  };

  test('a state of a source nobody asked for is ignored', () => assert.equal(made().report({ src: 9, state: 'down' }), undefined));

  test('freshness goes by what is shown, not by what the server has', () => {
    const sources = made();
    sources.report({ src: 42, state: 'live', since: 1, last: 60_000, hz: 1, msg: '' });
    assert.equal(sources.freshness(42, 2000, 60_000).level, 'stale');
  });

  test('a source that ticks only in series that are not shown is fresh', () => {
    const sources = made();
    sources.ticked(42, 59_500);
    assert.equal(sources.freshness(42, 2000, 60_000).level, 'fresh');
    assert.equal(sources.freshness(42, null, 60_000).level, 'fresh');
  });

  test('only live sources are expected to tick', () => {
    const sources = made();
    assert.equal(sources.cadence(), 1);
    sources.report({ src: 42, state: 'down' });
    assert.equal(sources.cadence(), Infinity);
  });
});

describe('subscriptions', () => {
  const made = () => {
    let id = 0;
    return new Subscriptions(() => (id += 1), () => 0);
  };

  test('the same wish is one subscription with several users', () => {
    const subs = made();
    const first = subs.want({ dashboard: 'market', window: 60, points: 9 });
    assert.equal(subs.want({ dashboard: 'market', window: 60, points: 9 }), first);
    assert.notEqual(subs.want({ dashboard: 'market', window: 61, points: 9 }), first);
    subs.answer({ id: first.id, sources: [{ src: 42 }] });
    assert.equal(subs.unwant(first), null);
    assert.deepEqual(subs.unwant(first), [42]);
  });

  test('at most 16 are sent at once', () => {
    const subs = made();
    for (let n = 0; n < 20; n += 1) subs.want({ series: [n], window: 0 });
    assert.equal(subs.unsent().length, 16);
  });
});

describe('probe', () => {
  const ask = (fetch, anonymous = false, clock = new FakeClock()) => probe({ ...clock, fetch, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout }, '/api/v1/session', anonymous);
  const status = (code) => async () => ({ status: code });

  test('names the cause', async () => {
    assert.equal(await ask(status(200)), 'blocked');
    assert.equal(await ask(status(401)), 'signed_out');
    assert.equal(await ask(status(401), true), 'blocked', 'visitors without an account are never signed in');
    assert.equal(await ask(status(502)), 'server_down');
    assert.equal(await ask(async () => { throw new TypeError('Failed to fetch'); }), 'server_down');
  });

  test('does not wait longer than 3 s', async () => {
    const clock = new FakeClock();
    const answer = ask(() => new Promise(() => {}), false, clock);
    clock.advance(3000);
    assert.equal(await answer, 'server_down');
    assert.equal(clock.timers, 0);
  });
});
