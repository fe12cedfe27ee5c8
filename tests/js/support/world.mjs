// Holds a client with every seam in the test's hand: clock, sockets, chance, page events, session endpoint, and a server to talk to.

import { Client } from '../../../static/js/live/client.js';
import { FakeClock, seeded } from './clock.mjs';
import { FakeServer } from './server.mjs';
import { fakeWebSocket } from './socket.mjs';

export function world({ options = {}, seed = 7, random = seeded(seed), ahead, wallOffset } = {}) {
  const clock = new FakeClock();
  if (wallOffset !== undefined) clock.wallOffset = wallOffset;
  const WebSocket = fakeWebSocket();
  const target = new EventTarget();
  const page = { visibility: 'visible', status: 200, fetches: [], fetch: null };
  const fetch = async (url, init) => {
    page.fetches.push({ url, init });
    if (page.fetch) return page.fetch();
    if (page.status === null) throw new TypeError('Failed to fetch');
    return { status: page.status };
  };
  const seams = {
    WebSocket, now: clock.now, wall: clock.wall, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout, random, target,
    visibility: () => page.visibility, fetch,
  };
  const client = new Client({ url: 'wss://example.org/ws/live/', build: 'a1b2c3', ...options }, seams);
  const server = new FakeServer(clock, ahead);
  const states = [];
  client.on('state', ({ state }) => states.at(-1) !== state && states.push(state));
  const w = {
    client, clock, server, page, target, states, seams, sockets: WebSocket.made,
    get socket() {
      return WebSocket.made.at(-1);
    },
    /** The server takes the newest socket. */
    accept() {
      server.link(w.socket);
      server.meanwhile(() => w.socket.accept());
      return w.socket;
    },
    /** Opens, subscribes to a dashboard of the given sources and gets live. */
    live(...sources) {
      for (const src of sources) server.source(src);
      if (sources.length) w.unsubscribe = client.subscribe({ dashboard: sources.join(','), window: 60, points: 100 });
      client.open();
      return w.accept();
    },
    /** Time passes until the client tries again. */
    again() {
      clock.advance(Math.max(0, client.state.retryAt - client.now()) + 1); // 1: times of this size are rounded
      return w.socket;
    },
    fire(type, fields = {}) {
      target.dispatchEvent(Object.assign(new Event(type), fields));
    },
    show(visibility) {
      page.visibility = visibility;
      w.fire('visibilitychange');
    },
    /** The server ticks and beats for a while, as a healthy one does. */
    run(ms, sources = [], step = 1000) {
      for (let gone = 0; gone < ms; gone += step) {
        clock.advance(Math.min(step, ms - gone));
        for (const src of sources) server.publish(src);
        server.flush();
        if (Math.floor((gone + step) / 10_000) > Math.floor(gone / 10_000)) server.heartbeat();
      }
    },
    /** Lets promises settle. */
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    /** Sockets that the client still holds on to or has not closed. */
    openSockets: () => WebSocket.made.filter((socket) => socket.readyState < 2),
  };
  return w;
}

/** Rows of a `d` from a short notation: [[series, ms, value, k?], …]. */
export function rows(list, t0 = 1_795_361_830_000) {
  const made = { i: list.map((r) => r[0]), t0, t: list.map((r) => r[1]), v: list.map((r) => r[2]) };
  if (list.some((r) => r[3] > 1)) {
    made.k = list.map((r) => r[3] ?? 1);
    for (const name of ['o', 'h', 'l']) made[name] = made.v.slice();
  }
  return made;
}
