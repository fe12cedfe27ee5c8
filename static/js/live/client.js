// Turns a URL and some wishes into a live feed: the one door through which pages use everything in this folder.

import { ServerClock } from './clock.js';
import { Connection } from './connection.js';
import { Emitter } from './emitter.js';
import { Feed } from './feed.js';
import { Intake } from './intake.js';
import { Journal } from './journal.js';
import { completeSeams } from './seams.js';

/** @typedef {import('./types.js').Options} Options */

const DEFAULTS = {
  build: '', ticket: null, rate: null, anonymous: false, keepAwake: false, hideAfter: 2_000, suspendAfter: 300_000, standings: null, sessionUrl: '/api/v1/session',
};
const EVENTS = new Set(['state', 'dirty', 'ledger', 'st', 'stat', 'ev', 'meta', 'err']);

/** @param {{protocol: string, host: string}} location @returns {string} the address of the live socket of the same site */
export const liveUrl = ({ protocol, host }) => `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws/live/`;

export class Client {
  #emitter;
  #feed;
  #connection;
  #clock;
  /** What happened to the connection. @type {Journal} */
  journal;

  /** @param {Options} options @param {Partial<import('./types.js').Seams>} [given] see seams.js; a page gives at least `visibility` */
  constructor(options, given = {}) {
    const seams = completeSeams(given);
    const wishes = { ...DEFAULTS, ...options };
    if (wishes.keepAwake) wishes.hideAfter = wishes.suspendAfter = 0;
    this.#clock = new ServerClock(seams);
    this.journal = new Journal(this.#clock);
    this.#emitter = new Emitter((error, event) => this.#listenerThrew(error, event));
    const emit = (event, value) => this.#emitter.emit(event, value);
    const feed = new Feed(seams, this.#clock, this.journal, emit, wishes.rate, wishes.standings);
    const intake = new Intake(feed);
    this.#feed = feed;
    this.#connection = feed.connection = new Connection(seams, wishes, this.#clock, this.journal, {
      open: () => {
        intake.restart();
        feed.opened();
        feed.requests.opened(wishes.build, wishes.ticket);
      },
      message: (data) => intake.take(data),
      down: () => feed.down(),
      state: (state) => emit('state', state),
      ping: () => feed.requests.ping(),
      hidden: (hidden) => feed.controls.tabHidden(hidden),
      slow: () => feed.controls.halve(),
      dataEvery: () => feed.dataEvery(),
    });
  }

  /** Connects and stays connected until `close`. Also the only way back from `closed`. */
  open() {
    this.#connection.open();
  }

  /** Ends the connection; nothing but `open` revives it. Rows, positions and wishes stay. */
  close() {
    this.#connection.close();
  }

  /** The person wants to try now; at most once a second. */
  retryNow() {
    this.#connection.retryNow();
  }

  /** @returns {import('./types.js').State} */
  get state() {
    return this.#connection.state;
  }

  /**
   * Events: `state` (State), `dirty` (Set of series ids not yet taken by `store.takeDirty`), `ledger` (Ledger), `st` (Source),
   * `stat` (Standings: the news of a second),
   * `ev` ({kind, data}), `meta` ({wish, series, sources}: a subscription was answered), `err` ({id, code, msg, wish}).
   * A listener that throws is counted and noted in the journal, and harms nobody else.
   * @param {string} event @param {(value: any) => void} fn @returns {() => void} off
   */
  on(event, fn) {
    if (!EVENTS.has(event)) throw new RangeError(`there is no event named ${event}`);
    return this.#emitter.on(event, fn);
  }

  /**
   * Wishes that are the same share one subscription; the last one to go ends it. May be called in any state.
   * @param {import('./subscriptions.js').Wish & {capacity?: number}} wish  capacity: rows kept of each series
   * @returns {(() => void) & {renew: () => void}} unsubscribe; its `renew` asks again after the dashboard was changed, without a hole
   */
  subscribe({ dashboard, series, sources, history, window = 0, points, capacity }) {
    if ([dashboard, series, sources].filter((what) => what !== undefined).length !== 1) throw new TypeError('subscribe to a dashboard, to series or to sources');
    const { subs, requests, store } = this.#feed;
    store.reserve(capacity ?? Math.min(16_384, Math.max(12 * window, 2 * (points ?? 0))));
    const sub = subs.want({ dashboard, series, sources, history, window, points });
    requests.pump();
    let wanted = true;
    const unsubscribe = () => {
      if (wanted) this.#unsubscribe(sub);
      wanted = false;
    };
    const renew = () => {
      if (wanted) subs.renew(sub);
      requests.pump();
    };
    return Object.assign(unsubscribe, { renew });
  }

  /** @param {number} hz frames a second, 0.2 to 20, or 0 for every tick unmerged */
  setRate(hz) {
    this.#feed.controls.setRate(hz);
  }

  /** @returns {{rate: number | null, reduced: number | null, paused: boolean, visible: boolean}} reduced: the rate in force after `too slow` */
  get controls() {
    const { rate, reduced, paused, visible } = this.#feed.controls;
    return { rate, reduced, paused, visible };
  }

  /** The server holds the feed; `waiting()` counts what has come since. @param {boolean} on */
  pause(on) {
    this.#feed.controls.pause(on);
  }

  /** @param {boolean | null} visible null: as the tab is */
  setVisible(visible) {
    this.#feed.controls.setVisible(visible);
  }

  /** @param {number} [src] all sources when left out @returns {number} ticks of the source that are there but not here, as of the last heartbeat */
  waiting(src) {
    return this.#feed.waiting(src);
  }

  /** @returns {number} server time in ms */
  now() {
    return this.#clock.now();
  }

  /** @returns {number} ms by which the viewer's own clock is ahead of the server's */
  get clockSkew() {
    return this.#clock.skew();
  }

  /** @param {number} src @returns {import('./freshness.js').Freshness | null} null: a source that nobody here asked for */
  freshness(src) {
    return this.#feed.sources.freshness(src, this.#feed.store.newest(src), this.#clock.now());
  }

  /** @returns {import('./store.js').Store} */
  get store() {
    return this.#feed.store;
  }

  /** @returns {import('./ledger.js').Ledger} */
  get ledger() {
    return this.#feed.ledger;
  }

  /** @returns {import('./types.js').Source[]} */
  get sources() {
    return this.#feed.sources.all();
  }

  /** @returns {ReturnType<import('./stats.js').Stats['read']>} */
  stats() {
    return this.#feed.stats.read();
  }

  #unsubscribe(sub) {
    const { subs, requests } = this.#feed;
    const told = sub.status === 'sent' || sub.status === 'answered';
    const left = subs.unwant(sub);
    if (left === null) return;
    if (told) requests.unsub(sub.id);
    if (sub.replaces !== null) requests.unsub(sub.replaces);
    this.#feed.leave(left);
    this.#feed.progress();
  }

  #listenerThrew(error, event) {
    this.#feed.stats.totals.listenerErrors += 1;
    this.journal.note('listener_threw', { event, error: String(error) });
  }
}
