import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DELAYED_MS } from '../../static/js/live/feed.js';
import { Standings } from '../../static/js/live/standings.js';
import { world } from './support/world.mjs';

const row = (head) => ({ src: 42, epoch: 'e', head, lost: 0, refused: 0, worker: 'mill:1', viewers: 0 });

/** A page that looks after a source, on a server whose answers the test writes itself. */
function overseer(history) {
  const standings = new Standings();
  const w = world({ options: { standings } });
  w.standings = standings;
  w.server.answers = false;
  w.client.subscribe({ sources: [42], history });
  w.client.open();
  w.greet = () => {
    const socket = w.accept();
    const sub = socket.of('sub')[0];
    socket.deliver({ t: 'hello', v: 1, sid: 's', build: 'a1b2c3', now: w.server.now(), hb: 10, spread: 5, lim: {} });
    socket.deliver({ t: 'subd', id: sub.id, series: [], sources: [], standing: [{ src: 42, name: 'Market', cadence: 1, enabled: true }] });
    return sub;
  };
  w.stat = (head) => w.socket.deliver({ t: 'stat', now: w.server.now(), s: head === undefined ? [] : [row(head)] });
  return w;
}

describe('a page that looks after sources', () => {
  test('asks for them alone and is live without a tick', () => {
    const w = overseer();
    const sub = w.greet();
    assert.deepEqual(sub, { t: 'sub', id: sub.id, sources: [42] });
    assert.equal(w.client.state.state, 'live');
    const heard = [];
    w.client.on('stat', (standings) => heard.push(standings.all()[0].head));
    w.stat(7);
    w.socket.deliver({ t: 'st', src: 42, state: 'down', since: 1, last: null, hz: 0, msg: 'HTTP 503' });
    const [found] = w.standings.all();
    assert.deepEqual([heard, found.name, found.state, found.msg, found.head], [[7], 'Market', 'down', 'HTTP 503', 7]);
    assert.deepEqual(w.client.sources, []);
  });

  test('counts as delayed when the word of every second does not come, and not when it has nothing new', () => {
    const w = overseer();
    w.greet();
    w.stat(7);
    for (let second = 0; second < 20; second += 1) {
      w.clock.advance(1000);
      w.stat();
    }
    assert.equal(w.client.state.state, 'live');
    w.clock.advance(DELAYED_MS + 10);
    assert.equal(w.client.state.state, 'delayed');
    w.stat();
    assert.equal(w.client.state.state, 'live');
  });

  test('asks after a cut for the events that it does not have', () => {
    let newest = 5;
    const w = overseer(() => newest);
    assert.equal(w.greet().history, 5);
    newest = 9;
    w.socket.drop();
    w.again();
    assert.equal(w.greet().history, 9);
  });

  test('keeps what it knew of a source while the line is cut', () => {
    const w = overseer();
    w.greet();
    w.stat(7);
    w.socket.drop();
    assert.equal(w.standings.all()[0].head, 7);
  });
});
