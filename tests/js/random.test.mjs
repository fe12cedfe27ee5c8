import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from './support/clock.mjs';
import { world } from './support/world.mjs';

// 1,000 sequences of whatever can happen to a connection, in any order. After every step:
//   at most one socket is not closed;
//   a timer or a socket exists, unless the connection is idle, closed or suspended: it can never stand still for ever;
//   nothing is unexplained, and the ledger adds up.
// In the end a healthy server brings every viewer to the head.

const QUIET = new Set(['idle', 'closed', 'suspended']);
const STEPS = 40;

function steps(w, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const open = () => w.sockets.filter((socket) => socket.readyState === 1);
  return {
    advance: () => w.clock.advance(Math.floor(random() * 12_000)),
    tick: () => w.run(Math.floor(random() * 3_000), [1, 2], 500),
    sleep: () => w.clock.sleep(Math.floor(random() * 200_000)),
    accept: () => w.socket?.readyState === 0 && w.accept(),
    acceptToo: () => w.socket?.readyState === 0 && w.accept(),
    publish: () => w.server.publish(pick([1, 2]), 1 + Math.floor(random() * 9)),
    flush: () => w.server.flush(),
    heartbeat: () => w.server.heartbeat(),
    drop: () => w.socket && w.socket.readyState < 3 && w.socket.drop(pick([1000, 1001, 1006, 1006, 1012, 4001, 4002, 4004, 4008, 4013, 4029])),
    ghost: () => pick(w.sockets.length ? w.sockets : [{ drop() {} }]).readyState >= 2 && pick(w.sockets).onclose?.({ code: 4500 }),
    stop: () => random() < 0.1 && open().length && w.socket.drop(pick([4500, 4501, 4502, 4503, 4506])),
    bye: () => open().forEach((socket) => socket.deliver({ t: 'bye', code: 4001, retry: [0, 500], resume: true, msg: '' })),
    garbage: () => open().forEach((socket) => socket.deliver('{')),
    repeat: () => open().forEach((socket) => socket.deliver({ t: 'd', k: 'x', d: [{ src: 1, a: 1, b: 1, n: 1, rows: { i: [11], t0: 0, t: [0], v: [1] } }] })),
    lose: () => w.server.lose(1, 2) ?? w.server.publish(1, 3),
    trim: () => w.server.trim(pick([1, 2]), 2),
    epoch: () => random() < 0.3 && open().length === 0 && w.server.newEpoch(1),
    mute: () => w.server.mute(pick(['subd', 'hello', 'pong', 'd']), true),
    deaf: () => (w.server.answers = random() < 0.7),
    hide: () => w.show('hidden'),
    show: () => w.show('visible'),
    online: () => w.fire('online'),
    offline: () => w.fire('offline'),
    focus: () => w.fire('focus'),
    resume: () => w.fire('resume'),
    pagehide: () => w.fire('pagehide', { persisted: random() < 0.5 }),
    pageshow: () => w.fire('pageshow', { persisted: random() < 0.5 }),
    retryNow: () => w.client.retryNow(),
    close: () => random() < 0.3 && w.client.close(),
    open: () => w.client.open(),
    pause: () => w.client.pause(random() < 0.5),
    rate: () => w.client.setRate(pick([0, 0.2, 5, 20])),
    visible: () => w.client.setVisible(pick([true, false, null])),
    subscribe: () => w.subs.push(w.client.subscribe({ dashboard: pick(['1', '2', '1,2']) })),
    unsubscribe: () => w.subs.splice(0, 1)[0]?.(),
    renew: () => pick([w.unsubscribe]).renew(),
  };
}

function check(w, note) {
  const { state } = w.client.state;
  assert.ok(w.openSockets().length <= 1, `${note}: ${w.openSockets().length} sockets`);
  if (QUIET.has(state)) assert.equal(w.openSockets().length, 0, `${note}: a socket while ${state}`);
  else assert.ok(w.clock.timers > 0 || w.openSockets().length > 0, `${note}: nothing will ever happen (${state})`);
  for (const account of w.client.ledger.all()) {
    assert.equal(account.unexplained, 0, `${note}: unexplained ${JSON.stringify(account.gaps.at(-1))}`);
    assert.equal(account.published, account.shown + account.merged + account.gap, `${note}: the ledger does not add up`);
  }
}

function play(seed) {
  const random = seeded(seed * 2654435761);
  const w = world({ random });
  w.subs = [];
  w.live(1, 2);
  const actions = Object.entries(steps(w, random));
  const played = [];
  for (let n = 0; n < STEPS; n += 1) {
    const [name, act] = actions[Math.floor(random() * actions.length)];
    played.push(name);
    act();
    check(w, `seed ${seed}, ${played.join(' ')}`);
  }
  return { w, played };
}

/** All faults end: the viewer must arrive at the head by itself. */
function heal(w) {
  w.server.answers = true;
  for (const type of ['subd', 'hello', 'pong', 'd']) w.server.mute(type, false);
  w.fire('online');
  w.show('visible');
  w.client.setVisible(null);
  w.client.pause(false);
  if (QUIET.has(w.client.state.state)) w.client.open();
  for (let n = 0; n < 120; n += 1) {
    if (w.socket?.readyState === 0) w.accept();
    w.run(1_000, [1, 2]);
    if (n % 5 === 4) w.server.heartbeat();
  }
}

for (let batch = 0; batch < 10; batch += 1) {
  test(`whatever happens, there is one socket and a way on: seeds ${batch * 100 + 1} to ${batch * 100 + 100}`, () => {
    for (let seed = batch * 100 + 1; seed <= batch * 100 + 100; seed += 1) {
      const { w, played } = play(seed);
      heal(w);
      const note = `seed ${seed}, healed, ${played.join(' ')}`;
      check(w, note);
      assert.equal(w.client.state.state, 'live', `${note}: ${JSON.stringify(w.client.state)}`);
      for (const src of [1, 2]) assert.deepEqual(w.client.ledger.position(src), w.server.head(src), `${note}: source ${src}`);
    }
  });
}
