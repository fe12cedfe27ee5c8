// Turns sockets that come and go into one connection with a state, and decides when to try again.

import { Backoff } from './backoff.js';
import { closeCode, explain } from './close_codes.js';
import { Lifecycle } from './lifecycle.js';
import { probe } from './probe.js';
import { SUBPROTOCOL, VERSION } from './protocol.js';
import { Pulse } from './pulse.js';
import { Socket } from './socket.js';
import { StateKeeper } from './state.js';
import { Timers } from './timers.js';

export const TRY_EVERY_MS = 1_000;
/** `offline` is a hint: a server on this very machine or network may well be there. So we go on trying, seldom. */
export const OFFLINE_RETRY_MS = 20_000;
const STALLED_CONNECT_MS = 3_000;
const BYE_MS = 2_000;
const PROBE_AFTER = 3; // failures in a row before a socket opened

export class Connection {
  #seams;
  #options;
  #clock;
  #journal;
  #on;
  #state;
  #socket;
  #lifecycle;
  #backoff;
  #pulse;
  #timers;
  #triedAt = -Infinity;
  #liveAt = null;
  #bye = null;
  #unopened = 0;
  #online = true;
  #heartbeat = 10;
  #spread = 5;

  /**
   * @param {import('./types.js').Seams} seams
   * @param {{url: string, sessionUrl: string, anonymous: boolean, build: string, suspendAfter: number, hideAfter: number}} options ms; 0 = never
   * @param {import('./clock.js').ServerClock} clock @param {import('./journal.js').Journal} journal
   * @param {Record<string, Function>} on  `open`: say hello and what is wanted. `message(data)`. `down`: the line is gone, perhaps told
   *   twice. `state(State)`. `ping`: ask for a sign of life. `hidden(boolean)`. `slow`: the server found this page too slow.
   *   `dataEvery`: ms within which data must come if all is well, Infinity when none is due
   */
  constructor(seams, options, clock, journal, on) {
    this.#seams = seams;
    this.#options = options;
    this.#clock = clock;
    this.#journal = journal;
    this.#on = on;
    this.#state = new StateKeeper(clock, journal, on.state);
    this.#timers = new Timers(seams);
    this.#backoff = new Backoff(seams.random);
    this.#socket = new Socket(seams, { open: () => this.#opened(), message: on.message, down: (down) => this.#lost(down) });
    const delayed = () => this.#state.name === 'live' && this.#state.to('delayed');
    this.#pulse = new Pulse(seams, { delayed, dead: () => this.restart('silent'), dataEvery: on.dataEvery });
    this.#lifecycle = new Lifecycle(seams, options, {
      wake: () => this.#wake(), network: (online) => this.#network(online), visibility: () => this.#visibility(), hidden: on.hidden,
      rest: () => this.#suspend('hidden'), stored: () => this.#suspend('stored'), restored: () => this.#restored(),
    });
  }

  get state() { return this.#state.value; }

  open() {
    if (this.#state.name !== 'idle' && this.#state.name !== 'closed') return;
    this.#backoff.attempt = this.#unopened = 0;
    if (this.#state.name === 'closed') this.#state.toWell('idle');
    this.#lifecycle.start();
    this.#connect();
  }

  /** Wins over everything: until `open` no event revives the connection. */
  close() {
    this.#end();
    if (this.#state.name !== 'idle') this.#state.toWell('idle');
  }

  /** A person or an event wants it now; at most once a second. */
  retryNow() {
    if (!this.#state.down && this.#state.name !== 'suspended') return;
    const wait = this.#triedAt + TRY_EVERY_MS - this.#seams.now();
    if (wait <= 0) this.#connect();
    else this.#wait(wait);
  }

  send(text) { return this.#socket.send(text); }

  /** The connection is no use as it is: take a new one. @param {string} why a word of REASONS */
  restart(why) {
    if (!this.#state.up && this.#state.name !== 'connecting') return;
    this.#socket.close();
    this.#lost({ code: null, why, opened: true });
  }

  /** The server's hello has come. @param {{v: number, hb: number, spread?: number, build: string}} hello */
  greeted({ v, hb, spread, build }) {
    if (v !== VERSION) return this.#stop(4506);
    this.#heartbeat = hb;
    this.#spread = spread ?? 5;
    this.#socket.greeted(hb);
    const differs = build !== '' && this.#options.build !== '' && build !== this.#options.build;
    this.#state.to('syncing', { notice: differs ? 'new-version' : null });
  }

  /** All that was asked for is here. @param {import('./resume.js').Resume | null} resume */
  caughtUp(resume) {
    if (this.#state.name !== 'syncing') return;
    this.#liveAt ??= this.#seams.now();
    this.#pulse.start(this.#heartbeat);
    this.#state.toWell('live', { resume, attempt: 0 });
  }

  /** A readable frame has come. @param {string} kind its `t` */
  heard(kind) {
    this.#pulse.heard(kind);
    if (this.#state.name !== 'delayed') return;
    this.#pulse.watch();
    this.#state.to('live');
  }

  /** @param {{code: number, retry?: [number, number] | null, msg?: string}} bye the close that follows may come without its code, or not at all */
  bye(bye) {
    this.#bye = bye;
    this.#timers.set('bye', BYE_MS, () => {
      this.#socket.close();
      this.#lost({ code: bye.code, why: null, opened: true });
    });
  }

  refresh() { this.#state.refresh(); }

  #connect() {
    this.#timers.clear('retry');
    this.#triedAt = this.#seams.now();
    this.#state.to('connecting', { attempt: this.#backoff.attempt });
    // Whoever was told may have closed the connection at once, and closing wins.
    if (this.#state.name === 'connecting') this.#socket.open(this.#options.url);
  }

  #opened() {
    this.#unopened = 0;
    if (this.#socket.protocol !== SUBPROTOCOL) return this.#stop(4506);
    this.#journal.note('open');
    this.#on.open();
  }

  #lost({ code, why, opened }) {
    const bye = this.#bye;
    const cause = bye?.code ?? code;
    const meaning = closeCode(cause);
    this.#journal.note('down', { code: cause, why, opened, said: bye?.msg });
    this.#hangUp();
    if (meaning.stop) return this.#stop(cause, null, bye?.msg);
    if (meaning.reason === 'slow') this.#on.slow();
    const delay = this.#backoff.next(cause, { retry: bye?.retry, spread: this.#spread });
    // A browser does not say why a socket never opened: what the server said last, or the probe found out, says more, and stays.
    const mute = !opened && !why && this.state.reason;
    this.#wait(this.#online ? delay : Math.max(delay, OFFLINE_RETRY_MS), mute ? {} : explain(cause, bye ? null : why, bye?.msg));
    if (opened) return;
    this.#unopened += 1;
    if (this.#unopened % PROBE_AFTER === 0) this.#probe();
  }

  /** Ends what belongs to the present socket. */
  #hangUp() {
    if (this.#liveAt !== null) this.#backoff.settle(this.#seams.now() - this.#liveAt);
    this.#liveAt = this.#bye = null;
    this.#timers.clear('bye');
    this.#pulse.stop();
    this.#on.down();
  }

  #end() {
    this.#lifecycle.stop();
    this.#timers.clear();
    this.#socket.close();
    this.#hangUp();
  }

  #stop(code, reason = null, said = '') {
    this.#end();
    this.#state.to('closed', explain(code, reason, said));
  }

  #suspend(why) {
    this.#journal.note('suspend', { why });
    this.#timers.clear('retry');
    this.#socket.close(1000, why);
    this.#hangUp();
    this.#state.to('suspended');
  }

  #wait(ms, patch = {}) {
    this.#timers.set('retry', ms, () => this.#connect());
    const retryAt = this.#clock.now() + ms;
    this.#state.to(this.#online ? 'waiting' : 'offline', { retryAt, attempt: this.#backoff.attempt, ...patch });
  }

  #wake() {
    if (this.#state.name === 'connecting') this.#replaceAfter(STALLED_CONNECT_MS); // one begun while hidden may have been held back
    else if (!this.#state.up) this.retryNow();
    else if (this.#socket.quietFor() > this.#heartbeat * 1000) this.#verify();
  }

  #network(online) {
    this.#online = online;
    this.#journal.note(online ? 'online' : 'offline');
    if (this.#state.up) this.#verify(); // either way the path under an open socket may have changed
    else if (!online && this.#state.name === 'waiting') this.#wait(OFFLINE_RETRY_MS);
    else if (online && this.#state.name === 'connecting') this.#replaceAfter(TRY_EVERY_MS);
    else if (online && this.#state.down) this.retryNow();
  }

  // The back button may bring back a page whose socket still calls itself open: it is a ghost, and its close comes later.
  #restored() {
    if (this.#state.up || this.#state.name === 'connecting') this.#replaceAfter(TRY_EVERY_MS);
  }

  #replaceAfter(ms) {
    if (this.#seams.now() - this.#triedAt < ms) return;
    this.#socket.close();
    this.#hangUp();
    this.#connect();
  }

  #visibility() {
    this.#socket.visibilityChanged();
    if (this.#state.name === 'live') this.#pulse.watch();
  }

  #verify() {
    if (this.#pulse.demand()) this.#on.ping();
  }

  async #probe() {
    const cause = await probe(this.#seams, this.#options.sessionUrl, this.#options.anonymous);
    if (this.#unopened < PROBE_AFTER || !(this.#state.down || this.#state.name === 'connecting')) return;
    this.#journal.note('probe', { cause });
    if (cause === 'signed_out') return this.#stop(null, 'signed_out');
    // A server that said it restarts may be away for a while: only the second look doubts that it comes back.
    if (cause === 'server_down' && this.state.reason === 'restart' && this.#unopened < 2 * PROBE_AFTER) return;
    this.#state.refresh(explain(this.state.code, cause));
  }
}
