import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client, liveUrl } from '../../static/js/live/client.js';
import { rows, world } from './support/world.mjs';

const HOUR = 3_600_000;
const d = (k, src, a, b, list = []) => ({ t: 'd', k, d: [{ src, a, b, n: list.reduce((sum, row) => sum + (row[3] ?? 1), 0), rows: rows(list) }] });
const clean = (w, src) => {
  const account = w.client.ledger.of(src);
  assert.equal(account.published, account.shown + account.merged + account.gap);
  assert.equal(account.unexplained, 0);
  return account;
};
/** Values of all series of the source that the page holds, in order of seq: in these tests value = seq. */
const held = (w, ...series) => series.flatMap((id) => [...(w.client.store.view(id)?.last ?? [])]).sort((x, y) => x - y);
const count = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('a feed', () => {
  test('brings every tick, once', () => {
    const w = world();
    w.live(1);
    w.run(20_000, [1]);
    assert.deepEqual(held(w, 11, 12), count(1, 20));
    const account = clean(w, 1);
    assert.deepEqual([account.published, account.shown, account.duplicates, account.resyncs], [20, 20, 0, 0]);
  });

  test('tells the page: dirty, ledger, st, ev, meta', () => {
    const w = world();
    const heard = [];
    for (const event of ['dirty', 'ledger', 'st', 'ev', 'meta']) w.client.on(event, (value) => heard.push([event, value]));
    w.live(1);
    const of = (event) => heard.filter(([name]) => name === event).map(([, value]) => value);
    assert.equal(of('meta')[0].wish.dashboard, '1');
    assert.deepEqual(of('meta')[0].series.map(([id]) => id), [11, 12]);
    w.server.publish(1);
    w.server.flush();
    assert.ok(of('dirty').at(-1).has(12));
    assert.equal(of('ledger').at(-1).of(1).published, 1);
    w.socket.deliver({ t: 'st', src: 1, state: 'down', since: 5, last: 4, hz: 0, msg: 'HTTP 503' });
    assert.deepEqual([of('st')[0].name, of('st')[0].state, of('st')[0].msg], ['Source 1', 'down', 'HTTP 503']);
    assert.equal(w.client.sources[0].state, 'down');
    w.socket.deliver({ t: 'ev', kind: 'layout', data: { version: 3 } });
    assert.deepEqual([of('ev')[0].kind, of('ev')[0].data], ['layout', { version: 3 }]);
    assert.throws(() => w.client.on('statt', () => {}), RangeError);
  });

  test('a listener that throws is counted and noted, and the feed goes on', () => {
    const w = world();
    for (const event of ['state', 'dirty', 'ledger', 'meta']) {
      w.client.on(event, () => {
        throw new Error('bad panel');
      });
    }
    w.live(1);
    w.run(5_000, [1]);
    assert.equal(w.client.state.state, 'live');
    assert.deepEqual(held(w, 11, 12), count(1, 5));
    assert.ok(w.client.stats().totals.listenerErrors >= 10);
    assert.ok(w.client.journal.entries().some(({ what, detail }) => what === 'listener_threw' && detail.event === 'dirty'));
  });

  test('knows the address of the live socket', () => {
    assert.equal(liveUrl({ protocol: 'https:', host: 'x.org' }), 'wss://x.org/ws/live/');
    assert.equal(liveUrl({ protocol: 'http:', host: 'x.org:8000' }), 'ws://x.org:8000/ws/live/');
  });

  test('needs nothing but an address', () => {
    const client = new Client({ url: 'wss://x.org/ws/live/' });
    assert.equal(client.state.state, 'idle');
    assert.equal(client.waiting(), 0);
    assert.equal(client.freshness(1), null);
  });
});

describe('subscriptions', () => {
  test('the same wish is sent once, and ended with the last who wanted it', () => {
    const w = world();
    w.live(1);
    const again = w.client.subscribe({ dashboard: '1', window: 60, points: 100 });
    assert.equal(w.socket.of('sub').length, 1);
    w.unsubscribe();
    w.unsubscribe();
    assert.equal(w.socket.of('unsub').length, 0);
    again();
    assert.deepEqual(w.socket.of('unsub').map(({ sub }) => sub), [1]);
  });

  test('made while there is no connection are sent on the next one', () => {
    const w = world();
    w.live(1);
    w.server.source(2);
    w.socket.drop();
    w.client.subscribe({ dashboard: '2' });
    w.again();
    w.accept();
    assert.deepEqual(w.socket.of('sub').map(({ dashboard, since }) => [dashboard, since]), [['1', { 1: ['E1', 0] }], ['2', {}]]);
    assert.equal(w.client.state.state, 'live');
  });

  test('ended while the answer is on its way do not come back', () => {
    const w = world();
    w.server.mute('subd');
    w.live(1);
    w.unsubscribe();
    assert.equal(w.client.state.state, 'live', 'nothing is waited for any more');
    w.socket.deliver({ t: 'subd', id: 1, series: [], sources: [{ src: 1, epoch: 'E1', seq: 0, recovered: false, why: 'first', cadence: 1 }] });
    assert.deepEqual(w.client.sources, []);
    w.socket.drop();
    w.again();
    w.accept();
    assert.equal(w.socket.of('sub').length, 0);
  });

  test('a source that was left and is wanted again starts anew, without a gap', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.unsubscribe();
    w.run(3_000, [1]);
    w.client.subscribe({ dashboard: '1' });
    w.run(3_000, [1]);
    assert.deepEqual([clean(w, 1).gap, clean(w, 1).unknownGaps], [0, 0]);
    assert.deepEqual(held(w, 11, 12), count(1, 9));
  });

  test('a second view of a source that is live leaves no hole in the first', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.server.source(2);
    w.server.publish(1, 4);
    w.client.subscribe({ dashboard: '1,2' });
    w.run(3_000, [1, 2]);
    assert.deepEqual(held(w, 11, 12), count(1, 10));
    const account = clean(w, 1);
    assert.deepEqual([account.gap, account.duplicates, account.resyncs], [0, 0, 0]);
  });

  test('renewed after a change of the dashboard: the new one is answered before the old one ends', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.unsubscribe.renew();
    assert.deepEqual(w.socket.sent.slice(-2).map(({ t, id, sub, since }) => [t, t === 'sub' ? id : sub, since]), [['sub', w.socket.of('sub')[1].id, {}], ['unsub', 1, undefined]]);
    w.run(3_000, [1]);
    assert.deepEqual(held(w, 11, 12), count(1, 6));
    assert.equal(clean(w, 1).gap, 0);
    w.unsubscribe();
    assert.equal(w.socket.of('unsub').at(-1).sub, w.socket.of('sub')[1].id);
  });

  test('a renewal that the socket did not survive resumes first and renews then', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.server.mute('subd');
    w.unsubscribe.renew();
    w.socket.drop();
    w.server.mute('subd', false);
    w.server.publish(1, 5);
    w.again();
    w.accept();
    assert.deepEqual(w.socket.of('sub').map(({ since }) => since), [{ 1: ['E1', 3] }, {}]);
    w.run(2_000, [1]);
    assert.deepEqual(held(w, 11, 12), count(1, 10));
    assert.equal(clean(w, 1).gap, 0);
  });

  test('an answer nobody asked for tells of an edited dashboard: series come and go, nothing is lost', () => {
    const w = world();
    w.live(1);
    w.run(2_000, [1]);
    const metas = [];
    w.client.on('meta', (meta) => metas.push(meta));
    w.socket.deliver({ t: 'subd', id: 1, series: [[13, 1, 'N', 'New', '', 0]], sources: [{ src: 1, name: 'Source 1', epoch: 'E1', seq: 2, recovered: true, why: null, cadence: 1, state: 'live' }] });
    w.socket.deliver({ t: 'snap', src: 1, epoch: 'E1', seq: 2, part: 1, parts: 1, rows: rows([[12, 0, 77], [13, 0, 99]]), k: 's' });
    w.run(2_000, [1]);
    assert.equal(metas[0].series[0][2], 'N');
    assert.deepEqual(held(w, 11, 12), count(1, 4));
    assert.deepEqual(held(w, 13), [99]);
    const account = clean(w, 1);
    assert.deepEqual([account.reconnects, account.gap, account.resyncs], [0, 0, 0]);
  });

  test('twenty at once are paced', () => {
    const w = world();
    for (let src = 1; src <= 20; src += 1) {
      w.server.source(src);
      w.client.subscribe({ dashboard: String(src) });
    }
    w.client.open();
    w.accept();
    assert.equal(w.socket.of('sub').length, 16);
    assert.equal(w.client.state.state, 'syncing');
    w.clock.advance(1000);
    assert.equal(w.socket.of('sub').length, 20);
    assert.equal(w.client.state.state, 'live');
  });

  test('are either of a dashboard or of series', () => {
    const w = world();
    assert.throws(() => w.client.subscribe({}), TypeError);
    assert.throws(() => w.client.subscribe({ dashboard: 'x', series: [1] }), TypeError);
  });

  test('that are told "too many messages" are sent again later', () => {
    const w = world();
    w.server.mute('subd');
    w.live(1);
    w.socket.deliver({ t: 'err', id: 1, code: 'rate', msg: 'More than 20 messages a second' });
    w.server.mute('subd', false);
    w.clock.advance(5_000);
    assert.equal(w.socket.of('sub').length, 2);
    assert.equal(w.client.state.state, 'live');
  });
});

describe('acknowledgements', () => {
  test('every 16 frames, only after they were applied', () => {
    const w = world();
    w.live(1);
    w.clock.advance(1000);
    const seen = [];
    w.socket.onSent = (message) => message.t === 'ack' && seen.push([message.k, w.client.ledger.of(1).pos]);
    for (let n = 1; n <= 32; n += 1) w.socket.deliver(d(`f${n}`, 1, n, n, [[11, n, n]]));
    assert.deepEqual(seen, [['f16', 16], ['f32', 32]]);
  });

  test('within a second, and at once on a heartbeat', () => {
    const w = world();
    w.live(1);
    w.clock.advance(1000);
    const before = w.socket.of('ack').length;
    w.socket.deliver(d('x', 1, 1, 1, [[11, 0, 1]]));
    w.clock.advance(999);
    assert.equal(w.socket.of('ack').length, before);
    w.clock.advance(1);
    assert.equal(w.socket.of('ack').at(-1).k, 'x');
    w.socket.deliver(d('y', 1, 2, 2, [[11, 0, 2]]));
    w.socket.deliver({ t: 'hb', now: w.server.now(), pos: { 1: ['E1', 2] }, k: 'h' });
    assert.equal(w.socket.of('ack').at(-1).k, 'h');
  });

  test('parts of a snapshot are acknowledged though nothing can be shown yet', () => {
    const w = world();
    w.server.mute('snap');
    w.live(1);
    const part = (n) => ({ t: 'snap', src: 1, epoch: 'E1', seq: 0, part: n, parts: 40, rows: rows([[11, n, n]]), k: `p${n}` });
    for (let n = 1; n <= 16; n += 1) w.socket.deliver(part(n));
    assert.equal(w.socket.of('ack').at(-1).k, 'p16');
    assert.equal(w.client.store.view(11), null);
    for (let n = 17; n <= 40; n += 1) w.socket.deliver(part(n));
    assert.deepEqual(held(w, 11), count(1, 40));
    assert.equal(w.client.state.state, 'live');
  });

  test('parts of a snapshot from before and after a cut do not make a whole', () => {
    const w = world();
    w.server.mute('snap');
    w.live(1);
    const part = (n) => ({ t: 'snap', src: 1, epoch: 'E1', seq: 0, part: n, parts: 2, rows: rows([[11, n, n]]), k: `p${n}` });
    w.socket.deliver(part(1));
    w.socket.drop();
    w.again();
    w.accept();
    w.socket.deliver(part(2));
    assert.equal(w.client.state.state, 'syncing');
    assert.equal(w.client.store.view(11), null);
    w.socket.deliver(part(1));
    assert.equal(w.client.state.state, 'live');
  });

  test('a duplicate is acknowledged too: its credit was spent', () => {
    const w = world();
    w.live(1);
    w.socket.deliver(d('x', 1, 1, 1, [[11, 0, 1]]));
    w.socket.deliver(d('x2', 1, 1, 1, [[11, 0, 1]]));
    w.clock.advance(1000);
    assert.equal(w.socket.of('ack').at(-1).k, 'x2');
    assert.equal(w.client.ledger.of(1).duplicates, 1);
  });

  test('tokens of a lost socket are not sent on the next', () => {
    const w = world({ random: () => 0 });
    w.live(1);
    w.clock.advance(1000);
    w.socket.deliver(d('old', 1, 1, 1, [[11, 0, 1]]));
    w.socket.drop();
    w.again();
    w.server.answers = false;
    w.accept();
    w.clock.advance(2000);
    assert.ok(!w.socket.of('ack').some(({ k }) => k === 'old'));
  });
});

describe('the invariant', () => {
  test('a hole is asked for once and filled', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.server.publish(1, 2);
    w.server.lose(1, 2);
    w.server.publish(1);
    w.server.flush();
    assert.deepEqual(w.socket.of('sub').map(({ id, since }) => [id, since]), [[1, {}], [1, { 1: ['E1', 3] }]]);
    w.run(3_000, [1]);
    assert.deepEqual(held(w, 11, 12), count(1, 9));
    assert.deepEqual([clean(w, 1).resyncs, clean(w, 1).gap], [1, 0]);
    assert.equal(w.client.state.state, 'live');
  });

  test('what is on its way while a source is asked for again is not counted twice', () => {
    const w = world();
    w.server.source(2);
    w.live(1, 2);
    w.run(2_000, [1, 2]);
    const answer = w.socket.onSent;
    const pending = [];
    w.socket.onSent = (message) => pending.push(message);
    w.server.lose(1, 1);
    w.server.publish(1, 2);
    w.server.publish(2, 2);
    w.server.flush();
    w.server.publish(1, 1);
    w.server.publish(2, 1);
    w.server.flush();
    assert.equal(pending.filter(({ t }) => t === 'sub').length, 1, 'asked once, however much comes meanwhile');
    w.socket.onSent = answer;
    for (const message of pending) answer(message);
    w.run(2_000, [1, 2]);
    assert.deepEqual(held(w, 11, 12), count(1, 7));
    assert.deepEqual(held(w, 21, 22), count(1, 7));
    assert.equal(clean(w, 1).duplicates + clean(w, 2).duplicates, 0);
  });

  test('a hole that stays is unexplained, noted and drawn, and the feed goes on', () => {
    const w = world();
    w.live(1);
    w.run(2_000, [1]);
    w.socket.onSent = (message) => {
      if (message.t !== 'sub') return;
      w.socket.deliver({ t: 'subd', id: message.id, series: [], sources: [{ src: 1, epoch: 'E1', seq: 9, recovered: true, why: null, cadence: 1 }] });
      w.socket.deliver(d('b', 1, 5, 9, [[11, 0, 9]]));
    };
    w.socket.deliver(d('a', 1, 5, 6, [[11, 0, 6]]));
    const account = w.client.ledger.of(1);
    assert.deepEqual([account.unexplained, account.pos, account.gaps.at(-1).cause, account.gaps.at(-1).count], [2, 9, 'unexplained', 2]);
    assert.equal(w.client.store.marks(1).at(-1).cause, 'unexplained');
    assert.ok(w.client.journal.entries().some(({ what }) => what === 'unexplained'));
    assert.equal(w.client.state.state, 'live');
  });

  test('holes without end do not become messages without end', () => {
    const w = world();
    w.live(1);
    let at = 1;
    w.socket.onSent = (message) => {
      if (message.t !== 'sub') return;
      w.socket.deliver({ t: 'subd', id: message.id, series: [], sources: [{ src: 1, epoch: 'E1', seq: 0, recovered: true, why: null, cadence: 1 }] });
    };
    for (let n = 0; n < 100; n += 1) {
      at += 3;
      w.socket.deliver(d(`x${n}`, 1, at, at, [[11, 0, at]]));
      w.clock.advance(50);
    }
    assert.ok(w.socket.of('sub').length <= 7, `${w.socket.of('sub').length} in 5 s`);
  });

  test('a heartbeat that tells of more, twice, with nothing coming, leads to a resync', () => {
    const w = world();
    w.live(1);
    w.run(2_000, [1]);
    w.server.publish(1, 5);
    w.server.lose(1, 5);
    w.server.heartbeat();
    assert.equal(w.socket.of('sub').length, 1, 'it may still be on its way');
    w.clock.advance(10_000);
    w.server.heartbeat();
    assert.equal(w.socket.of('sub').length, 2);
    assert.deepEqual(held(w, 11, 12), count(1, 7));
    clean(w, 1);
  });

  test('and if that does not help, to another connection', () => {
    const w = world();
    w.live(1);
    w.server.publish(1, 5);
    w.server.mute('d');
    for (let n = 0; n < 4; n += 1) {
      w.clock.advance(10_000);
      w.server.heartbeat();
    }
    assert.equal(w.client.state.reason, 'stuck');
  });

  test('gaps are counted, marked and never joined', () => {
    const w = world();
    w.live(1);
    w.run(2_000, [1]);
    w.socket.deliver({ t: 'gap', src: 1, a: 3, b: 12, why: 'slow', from: 100, to: 200 });
    w.socket.deliver(d('x', 1, 13, 13, [[11, 0, 13]]));
    assert.equal(clean(w, 1).gap, 10);
    assert.deepEqual(w.client.store.marks(1), [{ cause: 'slow', a: 3, b: 12, from: 100, to: 200, count: 10, status: 'gap' }]);
  });
});

describe('a reconnect', () => {
  const cut = (w, meanwhile) => {
    w.run(3_000, [1]);
    w.socket.drop();
    meanwhile(w);
    w.again();
    w.accept();
    w.run(3_000, [1]);
  };

  test('resumes by position, and the span is marked offline, then repaired', () => {
    const w = world();
    w.live(1);
    let open;
    cut(w, () => {
      [open] = w.client.store.marks(1).map((mark) => ({ ...mark }));
      w.server.publish(1, 40);
    });
    assert.deepEqual([open.cause, open.status, open.to], ['offline', 'offline', null]);
    const [mark] = w.client.store.marks(1);
    assert.deepEqual([mark.status, mark.count], ['repaired', 40]);
    assert.ok(mark.from < mark.to && mark.from === open.from);
    assert.deepEqual(held(w, 11, 12), count(1, 46));
    const account = clean(w, 1);
    assert.deepEqual([account.reconnects, account.gap, account.duplicates], [1, 0, 0]);
    assert.equal(w.client.state.resume.recovered, true);
    assert.ok(w.client.state.resume.cutFor > 0);
  });

  test('of which the log is too short shows what is lost and repairs the rest', () => {
    const w = world();
    w.live(1);
    cut(w, () => {
      w.server.publish(1, 40);
      w.server.trim(1, 10);
    });
    assert.deepEqual(held(w, 11, 12), [...count(1, 3), ...count(34, 46)]);
    const account = clean(w, 1);
    assert.deepEqual([account.gap, account.gaps[0].cause, account.gaps[0].count], [30, 'trimmed', 30]);
    const [offline, gap] = w.client.store.marks(1);
    assert.deepEqual([offline.status, offline.count, gap.cause], ['repaired', 10, 'trimmed']);
    assert.equal(w.client.state.resume.recovered, false);
  });

  test('into another epoch leaves a gap of unknown number and starts anew', () => {
    const w = world();
    w.live(1);
    cut(w, () => {
      w.server.newEpoch(1);
      w.server.publish(1, 4);
    });
    const account = clean(w, 1);
    assert.deepEqual([account.unknownGaps, account.gap, account.gaps[0].cause, account.gaps[0].count], [1, 0, 'epoch', null]);
    assert.deepEqual(w.client.store.marks(1).map(({ status }) => status).sort(), ['gap', 'lost']);
    assert.deepEqual(w.client.ledger.position(1), w.server.head(1));
    assert.deepEqual(w.client.state.resume.sources[0], { src: 1, recovered: false, why: 'epoch' });
  });

  test('to a server that is behind leaves a gap of unknown number', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.server.newEpoch(1);
    w.server.source(1, { epoch: 'E1' });
    w.server.publish(1, 1);
    w.socket.drop();
    w.again();
    w.accept();
    assert.deepEqual([clean(w, 1).unknownGaps, clean(w, 1).gaps[0].cause], [1, 'ahead']);
    assert.equal(w.client.state.state, 'live');
  });

  test('that takes several tries is one span', () => {
    const w = world();
    w.live(1);
    cut(w, () => {
      for (let n = 0; n < 3; n += 1) {
        w.again();
        w.socket.drop();
        w.server.publish(1, 2);
      }
    });
    assert.equal(w.client.store.marks(1).length, 1);
    assert.deepEqual([w.client.store.marks(1)[0].status, w.client.store.marks(1)[0].count], ['repaired', 6]);
    assert.deepEqual(held(w, 11, 12), count(1, 12));
  });

  test('a log that nobody had written to begins without a gap, also on a new connection', () => {
    const w = world();
    w.server.source(1, { epoch: '' });
    w.live();
    w.client.subscribe({ dashboard: '1' });
    assert.equal(w.client.state.state, 'live');
    assert.deepEqual(w.client.ledger.position(1), ['', 0]);
    w.server.heartbeat();
    w.socket.drop();
    w.again();
    w.server.source(1, { epoch: 'E1' });
    w.accept();
    assert.deepEqual(w.socket.of('sub')[0].since, {});
    w.run(3_000, [1]);
    assert.deepEqual(held(w, 11, 12), count(1, 3));
    const account = clean(w, 1);
    assert.deepEqual([account.unknownGaps, account.gap, account.resyncs], [0, 0, 0]);
  });

  test('an epoch that changes between the answer and the snapshot does not keep the page syncing', () => {
    const w = world();
    w.server.mute('snap');
    w.live(1);
    assert.equal(w.client.state.state, 'syncing');
    w.socket.deliver({ t: 'snap', src: 1, epoch: 'E9', seq: 3, part: 1, parts: 1, rows: rows([]), k: 's' });
    assert.equal(w.client.state.state, 'live');
  });

  test('an epoch that changes while live is a gap too', () => {
    const w = world();
    w.live(1);
    w.run(2_000, [1]);
    w.socket.deliver({ t: 'gap', src: 1, a: 3, b: 2, why: 'epoch', from: 1, to: 2 });
    w.socket.deliver({ t: 'snap', src: 1, epoch: 'E1.2', seq: 70, part: 1, parts: 1, rows: rows([[11, 0, 70]]), k: 's' });
    w.socket.deliver(d('x', 1, 71, 71, [[11, 5, 71]]));
    assert.deepEqual([clean(w, 1).unknownGaps, clean(w, 1).pos], [1, 71]);
  });
});

describe('pause', () => {
  test('is held by the server; what waits is counted', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.client.pause(true);
    w.client.pause(true);
    assert.equal(w.socket.of('pause').length, 1);
    w.server.publish(1, 120);
    w.run(20_000, [1]);
    assert.equal(w.client.waiting(1), 140);
    assert.equal(w.client.waiting(), 140);
    assert.deepEqual(held(w, 11, 12), count(1, 3));
    assert.equal(w.socket.of('sub').length, 1, 'standing still is what was asked for');
    w.client.pause(false);
    w.run(2_000, [1]);
    assert.deepEqual(held(w, 11, 12), count(1, 145));
    assert.equal(w.client.waiting(), 0);
    clean(w, 1);
  });

  test('survives a reconnect, and the way to live does not wait for data', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.client.pause(true);
    w.socket.drop();
    w.server.publish(1, 10);
    w.again();
    w.accept();
    assert.deepEqual(w.socket.sent.slice(0, 3).map(({ t }) => t), ['hello', 'pause', 'sub']);
    assert.equal(w.client.state.state, 'live');
    assert.equal(w.client.waiting(1), 10);
    assert.equal(w.client.store.marks(1)[0].status, 'offline', 'not repaired while held');
    w.client.pause(false);
    w.run(1_000, [1]);
    assert.equal(w.client.store.marks(1)[0].status, 'repaired');
    assert.deepEqual(held(w, 11, 12), count(1, 14));
  });

  test('rate and visibility are said again on every connection', () => {
    const w = world();
    w.live(1);
    w.client.setRate(2);
    w.clock.advance(1000);
    w.client.setVisible(false);
    w.socket.drop();
    w.again();
    w.accept();
    assert.deepEqual(w.socket.sent.slice(0, 3).map(({ t, rate, visible }) => [t, rate, visible]), [['hello', undefined, undefined], ['set', 2, false], ['sub', undefined, undefined]]);
  });

  test('a slider sends a few rates, and the last of them', () => {
    const w = world();
    w.live(1);
    for (let n = 1; n <= 100; n += 1) {
      w.client.setRate(0.2 * n);
      w.clock.advance(10);
    }
    w.clock.advance(1000);
    const rates = w.socket.of('set').map(({ rate }) => rate);
    assert.ok(rates.length <= 7, `${rates.length}`);
    assert.equal(rates.at(-1), 20);
    assert.throws(() => w.client.setRate(0.1), RangeError);
    assert.throws(() => w.client.setRate(NaN), RangeError);
    w.client.setRate(0);
    w.clock.advance(1000);
    assert.equal(w.socket.of('set').at(-1).rate, 0);
  });
});

describe('time', () => {
  for (const skew of [HOUR, -HOUR]) {
    test(`a viewer's clock ${skew > 0 ? 'an hour fast' : 'an hour slow'} changes neither age nor freshness`, () => {
      const w = world({ ahead: 1_795_361_830_000, wallOffset: 1_795_361_830_000 + skew });
      w.live(1);
      w.run(5_000, [1]);
      assert.equal(w.client.now(), w.server.now());
      assert.equal(w.client.clockSkew, skew);
      assert.equal(w.client.freshness(1).level, 'fresh');
      assert.equal(w.client.freshness(1).age, 0);
      assert.ok(w.client.stats().ageP95 < 1);
      w.clock.wallOffset -= 2 * skew;
      assert.equal(w.client.freshness(1).level, 'fresh');
    });
  }

  test('freshness goes on with the socket cut', () => {
    const w = world();
    w.live(1);
    w.run(5_000, [1]);
    w.socket.drop();
    const levels = [];
    for (let n = 0; n < 7; n += 1) {
      levels.push(w.client.freshness(1).level);
      w.clock.advance(1000);
    }
    assert.deepEqual(levels, ['fresh', 'fresh', 'fresh', 'late', 'late', 'late', 'stale']);
  });

  test('a source without any data is empty, then late, then stale', () => {
    const w = world();
    w.live(1);
    assert.deepEqual([w.client.freshness(1).level, w.client.freshness(1).empty], ['empty', true]);
    w.run(4_000);
    assert.equal(w.client.freshness(1).level, 'late');
    w.run(4_000);
    assert.equal(w.client.freshness(1).level, 'stale');
  });

  test('the round trip is measured and told', () => {
    const w = world();
    w.server.mute('pong');
    w.live(1);
    const ping = w.socket.of('ping')[0];
    w.clock.advance(80);
    w.socket.deliver({ t: 'pong', id: ping.id, now: w.server.now() - 40 });
    assert.equal(w.client.state.rtt, 80);
    assert.equal(w.client.stats().rtt, 80);
    w.socket.deliver({ t: 'pong', id: ping.id, now: 5 });
    assert.equal(w.client.state.rtt, 80, 'an answer counts once');
    assert.equal(w.client.stats().totals.badFrames, 0);
    w.clock.advance(10_000);
    w.server.heartbeat();
    w.clock.advance(20_000);
    assert.equal(w.socket.of('ping').length, 2);
  });
});

describe('bad frames', () => {
  const bad = ['{"t":"hb",', '[]', '{"t":"d","k":"x","d":[{"src":1}]}', '{"t":"snap"}'];

  test('are counted and noted, and never thrown', () => {
    const w = world();
    w.live(1);
    for (const text of bad) {
      w.socket.deliver(text);
      w.socket.deliver({ t: 'ok', id: 1 });
    }
    w.socket.deliver(new ArrayBuffer(8));
    assert.equal(w.client.stats().totals.badFrames, 5);
    assert.equal(w.client.journal.counts.bad_frame, 5);
    assert.equal(w.client.state.state, 'live');
  });

  test('three in a row lead to another connection and a resume', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.socket.deliver(bad[0]);
    w.socket.deliver(bad[1]);
    assert.equal(w.client.state.state, 'live');
    w.socket.deliver(bad[2]);
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['waiting', 'bad_frames']);
    w.server.publish(1, 3);
    w.again();
    w.accept();
    assert.deepEqual(held(w, 11, 12), count(1, 6));
    clean(w, 1);
  });

  test('what an unreadable frame held is asked for when the next one comes', () => {
    const w = world();
    w.live(1);
    w.run(3_000, [1]);
    w.server.publish(1, 2);
    w.server.lose(1, 2);
    w.socket.deliver(bad[2]);
    w.run(2_000, [1]);
    assert.deepEqual(held(w, 11, 12), count(1, 7));
    clean(w, 1);
  });

  test('an unknown kind is ignored', () => {
    const w = world();
    w.live(1);
    for (let n = 0; n < 5; n += 1) w.socket.deliver({ t: 'dance', n });
    assert.equal(w.client.state.state, 'live');
    assert.deepEqual([w.client.stats().totals.unknownFrames, w.client.stats().totals.badFrames], [5, 0]);
  });
});
