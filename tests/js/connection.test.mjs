import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLOSE_CODES } from '../../static/js/live/protocol.js';
import { world } from './support/world.mjs';

const most = () => 0.999999999;

describe('the way to live', () => {
  test('idle, connecting, syncing, live', () => {
    const w = world();
    assert.equal(w.client.state.state, 'idle');
    w.live(1);
    assert.deepEqual(w.states, ['connecting', 'syncing', 'live']);
    assert.deepEqual(w.socket.protocols, ['tickwall.v1.json']);
    assert.equal(w.socket.binaryType, 'arraybuffer');
  });

  test('hello comes first, then the subscriptions, without waiting for an answer', () => {
    const w = world({ options: { ticket: 's_1', rate: 5 } });
    w.server.answers = false;
    w.live(1);
    assert.deepEqual(w.socket.sent.map(({ t }) => t), ['hello', 'set', 'sub']);
    assert.deepEqual(w.socket.sent[0], { t: 'hello', v: 1, build: 'a1b2c3', ticket: 's_1' });
    assert.deepEqual(w.socket.sent[2], { t: 'sub', id: 1, dashboard: '1', since: {}, window: 60, points: 100 });
    assert.equal(w.client.state.state, 'connecting', 'an open socket is not a connection before the server has said hello');
  });

  test('stays syncing until the head that the server named has come', () => {
    const w = world();
    w.server.mute('snap');
    w.server.source(1);
    w.server.publish(1, 5);
    w.live();
    w.client.subscribe({ dashboard: '1' });
    assert.equal(w.client.state.state, 'live', 'nothing was wanted at first');
    w.socket.drop();
    w.clock.advance(1000);
    w.accept();
    assert.equal(w.client.state.state, 'syncing');
    w.server.mute('snap', false);
    w.socket.deliver({ t: 'snap', src: 1, epoch: 'E1', seq: 5, part: 1, parts: 1, rows: { i: [], t0: 0, t: [], v: [] }, k: 'x' });
    assert.equal(w.client.state.state, 'live');
  });

  test('a refused subscription does not keep the page from being live', () => {
    const w = world();
    const errors = [];
    w.client.on('err', (error) => errors.push(error));
    w.server.answers = false;
    w.live(1);
    w.server.answers = true;
    w.socket.deliver({ t: 'hello', v: 1, sid: 'c', build: 'a1b2c3', now: w.server.now(), hb: 10 });
    w.socket.deliver({ t: 'err', id: 1, code: 'forbidden', msg: 'You may not see this dashboard' });
    assert.equal(w.client.state.state, 'live');
    assert.deepEqual([errors[0].code, errors[0].wish.dashboard], ['forbidden', '1']);
  });

  test('a state is one frozen object that says everything', () => {
    const w = world();
    w.live(1);
    assert.ok(Object.isFrozen(w.client.state));
    const { state, attempt, retryAt, code, reason, text, action, notice, resume } = w.client.state;
    assert.deepEqual({ state, attempt, retryAt, code, reason, text, action, notice }, { state: 'live', attempt: 0, retryAt: null, code: null, reason: null, text: '', action: '', notice: null });
    assert.deepEqual(resume, { recovered: false, cutFor: null, sources: [{ src: 1, recovered: false, why: 'first' }] });
  });
});

describe('close codes', () => {
  for (const [code, meaning] of Object.entries(CLOSE_CODES)) {
    test(`${code} leads to ${meaning.stop ? `closed (${meaning.reason})` : 'another try'}`, () => {
      const w = world();
      w.live(1);
      w.clock.advance(6000);
      w.socket.drop(Number(code));
      const { state, reason, text, action } = w.client.state;
      assert.equal(state, meaning.stop ? 'closed' : 'waiting');
      assert.deepEqual({ reason, text, action }, { reason: meaning.reason, text: meaning.text, action: meaning.action });
      assert.equal(w.client.state.code, Number(code));
      w.clock.advance(60_000);
      assert.equal(w.sockets.length > 1, !meaning.stop);
      if (meaning.stop) assert.equal(w.clock.timers, 0, 'nothing is left running');
    });
  }

  for (const [code, floor] of [[4008, 5000], [4013, 10_000], [4029, 30_000]]) {
    test(`${code} is not retried before ${floor / 1000} s`, () => {
      const w = world({ random: () => 0 });
      w.live(1);
      w.clock.advance(6000);
      w.socket.drop(code);
      w.clock.advance(floor - 1);
      assert.equal(w.sockets.length, 1);
      w.clock.advance(1);
      assert.equal(w.sockets.length, 2);
    });
  }

  test('too slow comes back at half the rate, until a rate is chosen again', () => {
    const w = world({ options: { rate: 10 } });
    w.live(1);
    w.socket.drop(4008);
    w.again();
    w.accept();
    assert.equal(w.socket.of('set')[0].rate, 5);
    assert.deepEqual([w.client.controls.rate, w.client.controls.reduced], [10, 5]);
    w.client.setRate(20);
    assert.equal(w.socket.of('set').at(-1).rate, 20);
    assert.equal(w.client.controls.reduced, null);
  });

  test('the code of the bye counts when the close arrives without one', () => {
    const w = world();
    w.live(1);
    w.socket.deliver({ t: 'bye', code: 4503, retry: null, resume: false, msg: 'The link was revoked' });
    w.socket.drop(1006);
    assert.deepEqual([w.client.state.state, w.client.state.reason, w.client.state.said], ['closed', 'forbidden', 'The link was revoked']);
  });

  test('a bye that no close follows is taken at its word', () => {
    const w = world({ random: most });
    w.live(1);
    const socket = w.socket;
    socket.deliver({ t: 'bye', code: 4001, retry: [250, 3500], resume: true, msg: 'The server is restarting' });
    w.clock.advance(2000);
    assert.equal(w.client.state.state, 'waiting');
    assert.equal(w.client.state.reason, 'restart');
    assert.equal(socket.readyState, 2);
    assert.equal(Math.round(w.client.state.retryAt - w.client.now()), 3500);
  });

  test('1000 is no farewell of ours', () => {
    const w = world();
    w.live(1);
    w.socket.drop(1000);
    assert.equal(w.client.state.state, 'waiting');
  });
});

describe('back-off', () => {
  test('the first retry comes within a second, later ones within bounds', () => {
    const w = world({ random: most });
    w.client.open();
    const waits = [];
    for (let n = 0; n < 7; n += 1) {
      w.socket.drop();
      waits.push(Math.round(w.client.state.retryAt - w.client.now()));
      assert.equal(w.client.state.attempt, n + 1);
      w.clock.advance(waits.at(-1));
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16000, 20000, 20000]);
    assert.equal(w.sockets.length, 8);
  });

  for (const [ms, wait] of [[4999, 4000], [5000, 1000]]) {
    test(`${ms} ms live ${wait === 1000 ? 'is' : 'is not'} a fresh start`, () => {
      const w = world({ random: most });
      w.client.open();
      for (let n = 0; n < 2; n += 1) {
        w.socket.drop();
        w.again();
      }
      w.accept();
      w.clock.advance(ms);
      w.socket.drop();
      assert.equal(Math.round(w.client.state.retryAt - w.client.now()), wait);
    });
  }

  test('to be open is not to be live: a server that accepts and drops does not reset the count', () => {
    const w = world({ random: most });
    w.server.answers = false;
    w.client.open();
    for (const wait of [1000, 2000, 4000]) {
      w.accept();
      w.clock.advance(4000);
      w.socket.drop();
      assert.equal(Math.round(w.client.state.retryAt - w.client.now()), wait);
      w.clock.advance(wait);
    }
  });
});

describe('deadlines', () => {
  test('10 s to open, then the socket is let go and another tried', () => {
    const w = world();
    w.client.open();
    const first = w.socket;
    w.clock.advance(9_999);
    assert.equal(w.client.state.state, 'connecting');
    w.clock.advance(1);
    assert.equal(w.client.state.reason, 'connect_timeout');
    assert.notEqual(first.closedWith, null);
  });

  test('5 s from open to hello', () => {
    const w = world();
    w.server.answers = false;
    w.client.open();
    w.accept();
    w.clock.advance(4_999);
    assert.equal(w.client.state.state, 'connecting');
    w.clock.advance(1);
    assert.equal(w.client.state.reason, 'hello_timeout');
  });

  test('25 s of silence end a connection whose heartbeat is 10 s', () => {
    const w = world();
    w.live(1);
    w.server.answers = false;
    w.clock.advance(24_999);
    assert.equal(w.client.state.state, 'delayed');
    w.clock.advance(1);
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['waiting', 'silent']);
    assert.equal(w.socket.readyState, 2);
  });

  test('our own sends prove nothing', () => {
    const w = world();
    w.live(1);
    w.server.answers = false;
    for (let n = 0; n < 25; n += 1) {
      w.clock.advance(1000);
      w.client.setRate(1 + (n % 5));
    }
    assert.equal(w.client.state.reason, 'silent');
  });

  test('a hidden tab is given 75 s', () => {
    const w = world({ options: { suspendAfter: 0 } });
    w.live(1);
    w.show('hidden');
    w.server.answers = false;
    w.clock.advance(74_000);
    assert.equal(w.client.state.state, 'live');
    w.clock.advance(1_000);
    assert.equal(w.client.state.reason, 'silent');
  });

  test('a timer that fires late gives grace, in which a waiting message saves the line', () => {
    const w = world();
    const socket = w.live(1);
    w.server.answers = false;
    w.clock.sleep(40_000);
    assert.equal(socket.readyState, 1);
    w.clock.advance(900);
    w.server.answers = true;
    w.server.heartbeat();
    w.clock.advance(5_000);
    assert.equal(w.client.state.state, 'live');
    assert.equal(w.socket, socket);
    w.server.answers = false;
    w.clock.sleep(40_000);
    w.clock.advance(1_000);
    assert.equal(w.client.state.reason, 'silent', 'grace is one second');
  });

  test('a subscription that is not answered for 10 s ends the connection', () => {
    const w = world();
    w.server.mute('subd');
    w.live(1);
    w.run(9_000);
    assert.equal(w.client.state.state, 'syncing');
    w.run(3_000);
    assert.equal(w.client.state.reason, 'unanswered');
  });

  test('an address that the browser refuses is a state, not an exception', () => {
    const w = world();
    w.seams.WebSocket.onMade = () => {
      throw new SyntaxError('bad url');
    };
    w.client.open();
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['waiting', 'refused']);
  });
});

describe('delayed', () => {
  test('data that flowed and stops counts within seconds', () => {
    const w = world();
    w.live(1);
    w.run(5_000, [1]);
    w.clock.advance(2_999);
    assert.equal(w.client.state.state, 'live');
    w.clock.advance(1);
    assert.equal(w.client.state.state, 'delayed');
    w.server.publish(1);
    w.server.flush();
    assert.equal(w.client.state.state, 'live');
  });

  test('a slow source or a slow rate is given its time', () => {
    const w = world();
    w.server.source(1, { cadence: 4 });
    w.live();
    w.client.subscribe({ dashboard: '1' });
    w.server.publish(1);
    w.server.flush();
    w.clock.advance(6_900);
    assert.equal(w.client.state.state, 'live');
    w.clock.advance(100);
    assert.equal(w.client.state.state, 'delayed');
  });

  test('a heartbeat in place of data says that the line is sound: no flapping', () => {
    const w = world();
    w.live(1);
    w.run(5_000, [1]);
    w.run(9_000);
    w.server.heartbeat();
    const before = w.states.length;
    w.run(60_000);
    assert.equal(w.states.length, before);
    assert.equal(w.client.state.state, 'live');
  });

  test('an overdue heartbeat counts even where no data is due', () => {
    const w = world();
    w.live();
    w.clock.advance(14_999);
    assert.equal(w.client.state.state, 'live');
    w.clock.advance(1);
    assert.equal(w.client.state.state, 'delayed');
  });

  for (const [name, hold] of [['paused', (w) => w.client.pause(true)], ['a source that is down', (w) => w.socket.deliver({ t: 'st', src: 1, state: 'down', since: 1, last: 1, hz: 0, msg: 'HTTP 503' })]]) {
    test(`nothing is delayed while ${name}`, () => {
      const w = world();
      w.live(1);
      w.run(5_000, [1]);
      hold(w);
      w.clock.advance(9_000);
      assert.equal(w.client.state.state, 'live');
    });
  }
});

describe('one socket at a time', () => {
  test('events of an older socket are ignored', () => {
    const w = world();
    const old = w.live(1);
    w.server.answers = false;
    w.clock.advance(25_000);
    w.clock.advance(1_000);
    w.server.answers = true;
    const fresh = w.accept();
    assert.equal(w.client.state.state, 'live');
    const before = w.client.ledger.of(1).published;
    old.onmessage({ data: JSON.stringify({ t: 'd', k: 'z', d: [{ src: 1, a: 1, b: 5, n: 1, rows: { i: [11], t0: 0, t: [0], v: [1] } }] }) });
    old.onopen({});
    old.drop(4500);
    assert.equal(w.client.state.state, 'live');
    assert.equal(w.client.ledger.of(1).published, before);
    assert.equal(fresh.sent.filter(({ t }) => t === 'hello').length, 1);
    assert.equal(w.openSockets().length, 1);
  });

  test('a replaced socket is closed, and nobody waits for its close event', () => {
    const w = world();
    w.client.open();
    w.clock.advance(2_000);
    w.fire('online');
    assert.equal(w.sockets.length, 2);
    assert.equal(w.sockets[0].readyState, 2);
    assert.equal(w.client.state.state, 'connecting');
  });
});

describe('close() wins', () => {
  for (const [name, revive] of [
    ['visible', (w) => w.show('visible')], ['online', (w) => w.fire('online')], ['focus', (w) => w.fire('focus')], ['resume', (w) => w.fire('resume')],
    ['pageshow', (w) => w.fire('pageshow', { persisted: true })], ['retryNow', (w) => w.client.retryNow()],
  ]) {
    test(`over ${name}`, () => {
      const w = world();
      const socket = w.live(1);
      w.client.close();
      revive(w);
      socket.drop(1006);
      w.clock.advance(120_000);
      assert.equal(w.client.state.state, 'idle');
      assert.equal(w.sockets.length, 1);
      assert.equal(w.clock.timers, 0);
    });
  }

  test('over a page that is hidden for long afterwards', () => {
    const w = world();
    w.live(1);
    w.client.close();
    w.show('hidden');
    w.clock.advance(600_000);
    assert.equal(w.client.state.state, 'idle');
    assert.equal(w.clock.timers, 0);
  });

  test('over a listener that is told of the very state', () => {
    const w = world();
    w.client.on('state', ({ state }) => state === 'connecting' && w.client.close());
    w.client.open();
    assert.equal(w.client.state.state, 'idle');
    assert.equal(w.openSockets().length, 0);
    assert.equal(w.clock.timers, 0);
  });

  test('and open() brings everything back', () => {
    const w = world();
    w.live(1);
    w.client.close();
    w.client.open();
    w.accept();
    assert.equal(w.client.state.state, 'live');
    assert.deepEqual(w.socket.of('sub')[0].since, { 1: ['E1', 0] });
  });

  test('open() is also the way back from closed', () => {
    const w = world();
    w.live(1);
    w.socket.drop(4500);
    w.fire('focus');
    w.client.retryNow();
    w.clock.advance(60_000);
    assert.equal(w.sockets.length, 1);
    w.client.open();
    w.accept();
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['live', null]);
  });
});

describe('hints of the page', () => {
  for (const hint of ['online', 'focus', 'resume', 'visibilitychange', 'pageshow']) {
    test(`${hint} tries at once`, () => {
      const w = world({ random: most });
      w.live(1);
      for (let n = 0; n < 4; n += 1) {
        w.socket.drop();
        if (n < 3) w.again();
      }
      w.clock.advance(1_500);
      const before = w.sockets.length;
      assert.equal(w.client.state.state, 'waiting');
      w.fire(hint, { persisted: false });
      assert.equal(w.sockets.length, before + 1);
    });
  }

  test('at most once a second, but the wish is not forgotten', () => {
    const w = world({ random: most });
    w.live(1);
    for (let n = 0; n < 50; n += 1) {
      w.socket.drop();
      w.client.retryNow();
      w.fire('focus');
      w.clock.advance(100);
    }
    assert.ok(w.sockets.length >= 5 && w.sockets.length <= 7, `${w.sockets.length} sockets in 5 s`);
  });

  test('offline with an open socket: proof is asked for, and the line kept if it answers', () => {
    const w = world();
    const socket = w.live(1);
    w.fire('offline');
    w.clock.advance(10_000);
    assert.equal(w.client.state.state, 'live');
    assert.equal(w.socket, socket);
  });

  test('offline without proof: the line is given up after 3 s, and tried seldom', () => {
    const w = world({ random: () => 0 });
    w.live(1);
    w.server.answers = false;
    w.fire('offline');
    w.clock.advance(2_999);
    assert.equal(w.client.state.state, 'live');
    w.clock.advance(1);
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['offline', 'silent']);
    w.clock.advance(19_999);
    assert.equal(w.sockets.length, 1);
    w.clock.advance(1);
    assert.equal(w.sockets.length, 2, 'the hint may be wrong');
  });

  test('online brings it back at once', () => {
    const w = world();
    w.live(1);
    w.fire('offline');
    w.socket.drop();
    assert.equal(w.client.state.state, 'offline');
    w.clock.advance(1_000);
    w.fire('online');
    assert.equal(w.client.state.state, 'connecting');
  });

  test('offline while waiting is said', () => {
    const w = world();
    w.live(1);
    w.socket.drop();
    w.fire('offline');
    assert.equal(w.client.state.state, 'offline');
    assert.ok(w.client.state.retryAt > w.client.now());
  });

  test('a tab that comes back after silence asks for proof before it trusts the socket', () => {
    const w = world();
    w.live(1);
    w.server.answers = false;
    w.show('hidden');
    w.clock.advance(12_000);
    w.show('visible');
    w.clock.advance(3_000);
    assert.equal(w.client.state.reason, 'silent');
  });

  test('an attempt that was held back while nobody looked is replaced', () => {
    const w = world();
    w.client.open();
    w.clock.advance(2_000);
    w.fire('focus');
    assert.equal(w.sockets.length, 1);
    w.clock.advance(1_500);
    w.fire('focus');
    assert.equal(w.sockets.length, 2);
    assert.equal(w.openSockets().length, 1);
  });

  test('events that only reach what is inside the target are heard as well', () => {
    const heard = [];
    const w = world();
    const add = w.target.addEventListener.bind(w.target);
    w.target.addEventListener = (type, fn, options) => (heard.push([type, options?.capture]), add(type, fn, options));
    w.client.open();
    assert.deepEqual(heard.map(([type]) => type).sort(), ['focus', 'offline', 'online', 'pagehide', 'pageshow', 'resume', 'visibilitychange']);
    assert.ok(heard.every(([, capture]) => capture));
  });
});

describe('a hidden page', () => {
  test('tells the server after 2 s, and again when somebody looks', () => {
    const w = world();
    w.live(1);
    w.show('hidden');
    w.clock.advance(1_999);
    assert.equal(w.socket.of('set').length, 0);
    w.clock.advance(1);
    assert.deepEqual(w.socket.of('set').map(({ visible }) => visible), [false]);
    w.show('visible');
    w.clock.advance(1_000);
    assert.deepEqual(w.socket.of('set').map(({ visible }) => visible), [false, true]);
  });

  test('a glance at another tab costs nothing', () => {
    const w = world();
    w.live(1);
    w.show('hidden');
    w.clock.advance(1_000);
    w.show('visible');
    w.clock.advance(5_000);
    assert.equal(w.socket.of('set').length, 0);
  });

  test('is suspended after 5 min, and resumes where it stopped when somebody looks', () => {
    const w = world();
    w.live(1);
    w.run(5_000, [1]);
    w.show('hidden');
    w.run(300_000, [1]);
    assert.equal(w.client.state.state, 'suspended');
    assert.deepEqual(w.socket.closedWith, { code: 1000, reason: 'hidden' });
    assert.equal(w.clock.timers, 0);
    w.show('visible');
    assert.equal(w.client.state.state, 'connecting');
    w.accept();
    assert.equal(w.client.state.state, 'live');
    assert.equal(w.client.state.resume.recovered, true);
    assert.deepEqual(w.client.ledger.position(1), w.server.head(1));
    assert.equal(w.client.ledger.of(1).unexplained, 0);
  });

  test('a wall display is never hidden nor suspended', () => {
    const w = world({ options: { keepAwake: true } });
    w.live(1);
    w.show('hidden');
    w.run(400_000, [1]);
    assert.equal(w.client.state.state, 'live');
    assert.equal(w.socket.of('set').length, 0);
  });

  test('a page may say itself whether somebody looks', () => {
    const w = world();
    w.live(1);
    w.client.setVisible(false);
    assert.equal(w.socket.of('set').at(-1).visible, false);
    w.clock.advance(300);
    w.show('hidden');
    w.clock.advance(3_000);
    w.client.setVisible(true);
    assert.equal(w.socket.of('set').at(-1).visible, true);
    w.clock.advance(300);
    w.client.setVisible(null);
    assert.equal(w.socket.of('set').at(-1).visible, false);
  });
});

describe('the back button', () => {
  test('a page that is put away closes its socket itself', () => {
    const w = world();
    const socket = w.live(1);
    w.clock.advance(8_000);
    w.fire('pagehide', { persisted: true });
    assert.equal(w.client.state.state, 'suspended');
    assert.equal(socket.closedWith.code, 1000);
    socket.drop(1000);
    w.fire('resume');
    w.show('visible');
    w.fire('pageshow', { persisted: true });
    assert.equal(w.sockets.length, 2, 'three events, one connection');
    w.accept();
    assert.equal(w.client.state.state, 'live');
  });

  test('a page that is left for good does nothing', () => {
    const w = world();
    w.live(1);
    w.fire('pagehide', { persisted: false });
    assert.equal(w.client.state.state, 'live');
  });

  test('a socket that still calls itself open at pageshow is a ghost', () => {
    const w = world();
    const ghost = w.live(1);
    w.clock.sleep(8_000);
    w.fire('resume');
    w.show('visible');
    w.fire('pageshow', { persisted: true });
    assert.equal(ghost.readyState, 2, 'let go though it was OPEN');
    assert.equal(w.sockets.length, 2);
    ghost.drop(1006);
    assert.equal(w.client.state.state, 'connecting', 'its error and close come later and mean nothing');
    w.accept();
    assert.equal(w.client.state.state, 'live');
    assert.equal(w.openSockets().length, 1);
  });
});

describe('probe', () => {
  const fail = (w, times) => {
    for (let n = 0; n < times; n += 1) {
      w.socket.drop();
      if (n < times - 1) w.again();
    }
  };

  test('asks after three failures before open, not earlier', async () => {
    const w = world();
    w.client.open();
    fail(w, 2);
    assert.equal(w.page.fetches.length, 0);
    w.again();
    fail(w, 1);
    assert.equal(w.page.fetches.length, 1);
    assert.deepEqual([w.page.fetches[0].url, w.page.fetches[0].init.cache], ['/api/v1/session', 'no-store']);
    await w.settle();
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['waiting', 'blocked']);
    assert.match(w.client.state.text, /blocked/);
  });

  for (const [status, state, reason] of [[401, 'closed', 'signed_out'], [null, 'waiting', 'server_down'], [503, 'waiting', 'server_down'], [200, 'waiting', 'blocked']]) {
    test(`${status ?? 'a network error'} means ${reason}`, async () => {
      const w = world();
      w.page.status = status;
      w.client.open();
      fail(w, 3);
      await w.settle();
      assert.deepEqual([w.client.state.state, w.client.state.reason], [state, reason]);
      if (state === 'closed') assert.equal(w.clock.timers, 0);
      else {
        w.again();
        w.socket.drop();
        assert.equal(w.client.state.reason, reason, 'what was found out stays said');
        w.again();
        w.accept();
        assert.deepEqual([w.client.state.state, w.client.state.reason], ['live', null]);
      }
    });
  }

  test('a restart stays said while nothing answers, until the second look finds nobody', async () => {
    const w = world();
    w.live();
    w.page.status = null;
    w.socket.deliver({ t: 'bye', code: 4001, retry: [250, 3500], resume: true, msg: 'The server is restarting' });
    w.socket.drop(4001);
    for (const reason of ['restart', 'server_down']) {
      w.again();
      fail(w, 3);
      await w.settle();
      assert.deepEqual([w.client.state.state, w.client.state.reason], ['waiting', reason]);
    }
    assert.equal(w.page.fetches.length, 2);
  });

  test('an open socket in between starts the count anew', () => {
    const w = world();
    w.client.open();
    fail(w, 2);
    w.again();
    w.accept();
    w.socket.drop();
    w.again();
    fail(w, 2);
    assert.equal(w.page.fetches.length, 0);
  });

  test('an answer that comes after a socket had opened and was lost says nothing about it', async () => {
    const w = world();
    let answer;
    w.page.fetch = () => new Promise((resolve) => (answer = resolve));
    w.client.open();
    fail(w, 3);
    w.clock.advance(2_900);
    if (w.client.state.state === 'waiting') w.again();
    w.accept();
    w.socket.drop();
    answer({ status: 401 });
    await w.settle();
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['waiting', 'dropped']);
  });

  test('an answer that comes after the socket has opened changes nothing', async () => {
    const w = world();
    let answer;
    w.page.fetch = () => new Promise((resolve) => (answer = resolve));
    w.client.open();
    fail(w, 3);
    w.clock.advance(2_900);
    if (w.client.state.state === 'waiting') w.again();
    w.accept();
    answer({ status: 401 });
    await w.settle();
    assert.equal(w.client.state.state, 'live');
  });
});

describe('versions', () => {
  test('another build is a notice, not a disconnect', () => {
    const w = world();
    w.server.build = 'd4e5f6';
    w.live(1);
    assert.deepEqual([w.client.state.state, w.client.state.notice], ['live', 'new-version']);
  });

  test('another version of the protocol ends it', () => {
    const w = world();
    w.server.answers = false;
    w.live(1);
    w.socket.deliver({ t: 'hello', v: 2, sid: 'c', build: 'x', now: 1, hb: 10 });
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['closed', 'mismatch']);
  });

  test('so does a server that does not speak the subprotocol', () => {
    const w = world();
    w.client.open();
    w.socket.accept('');
    assert.deepEqual([w.client.state.state, w.client.state.reason], ['closed', 'mismatch']);
  });
});
