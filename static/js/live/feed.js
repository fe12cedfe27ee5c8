// Holds all that outlives a socket: positions, rows, sources, wishes; and says what a frame does to them.

import { Catchup } from './resume.js';
import { Controls } from './controls.js';
import { Credit } from './credit.js';
import { Heads } from './heads.js';
import { Ledger } from './ledger.js';
import { encode } from './protocol.js';
import { Requests } from './requests.js';
import { Snapshots } from './snapshots.js';
import { Sources } from './sources.js';
import { Stats } from './stats.js';
import { Store } from './store.js';
import { Subscriptions } from './subscriptions.js';
import { Timers } from './timers.js';

const RESYNC_EVERY_MS = 1_000;
const RATE_PAUSE_MS = 5_000;
/** Data that should flow counts as delayed after this long at the earliest; less would cry wolf at every hiccup of a network. */
export const DELAYED_MS = 3_000;

export class Feed {
  /** Set by the client once both exist. @type {import('./connection.js').Connection} */
  connection;
  #seams;
  #ids = 0;
  #resyncedAt = -Infinity;
  #heardAt = 0;
  /** Server ms of the last sign of life before the line was lost; null while it is up. @type {number | null} */
  #cutAt = null;

  /**
   * @param {import('./types.js').Seams} seams @param {import('./clock.js').ServerClock} clock @param {import('./journal.js').Journal} journal
   * @param {(event: string, value: any) => void} emit @param {number | null} rate
   * @param {import('./standings.js').Standings | null} standings kept by a page that looks after sources
   */
  constructor(seams, clock, journal, emit, rate, standings) {
    Object.assign(this, { clock, journal, emit });
    this.#seams = seams;
    const timers = new Timers(seams);
    const nextId = () => (this.#ids += 1);
    const send = (text) => this.connection.send(text);
    this.controls = new Controls(timers, nextId, send, rate);
    this.credit = new Credit(seams, (token) => send(encode.ack(token)));
    this.requests = new Requests(seams, timers, nextId, this);
    this.subs = new Subscriptions(nextId, seams.now);
    this.stats = new Stats(seams.now, clock);
    this.store = new Store();
    this.sources = new Sources();
    this.standings = standings;
    this.heads = new Heads();
    this.snapshots = new Snapshots();
    this.catchup = new Catchup();
    this.ledger = new Ledger((src) => ({ from: this.store.newest(src), to: clock.now() }), (src, gap) => this.#lose(src, gap));
  }

  opened() {
    this.catchup.restart(this.#cutAt === null ? null : Math.max(0, this.clock.now() - this.#cutAt));
  }

  /** The line is gone. What was on its way is lost; where each source stood is not. */
  down() {
    if (this.connection.state.state !== 'connecting' && this.#cutAt === null && this.#heardAt > 0) this.#cutAt = this.#heardAt;
    this.requests.down();
    this.credit.reset();
    this.snapshots.drop();
    this.subs.cut();
    this.ledger.cut();
    this.heads.restart();
    for (const { src, pos } of this.ledger.all()) if (pos !== null && this.#cutAt !== null) this.store.markCut(src, this.#cutAt, pos);
  }

  /** A frame has come. */
  heard() {
    this.#heardAt = this.clock.now();
  }

  /** @param {import('./intake.js').Block} block of a `d` */
  range(block) {
    const { src, n, rows } = block;
    const before = this.ledger.of(src).unexplained;
    const verdict = this.ledger.range(block);
    if (verdict === 'resync') return this.resync(src, `${block.a} does not follow`);
    if (this.ledger.of(src).unexplained !== before) this.journal.note('unexplained', { src, a: block.a, b: block.b, n });
    if (verdict !== 'apply') return;
    if (rows.i.length > 0) this.store.apply(src, rows, this.stats.row);
    else this.sources.ticked(src, this.clock.now());
    this.stats.range(n, rows.i.length);
  }

  /** @param {{src: number, epoch: string, seq: number}} snap @param {import('./rows.js').Rows[]} parts */
  snapshot(snap, parts) {
    const verdict = this.ledger.snapshot(snap);
    if (verdict === 'drop') return;
    this.store.applySnapshot(snap.src, parts, verdict === 'fill');
    if (verdict !== 'start') return;
    this.catchup.started(snap.src, snap.epoch);
    this.store.markLost(snap.src, this.clock.now());
  }

  /** @param {any} gap */
  gap(gap) {
    if (this.ledger.gap(gap) === 'resync') this.resync(gap.src, `gap ${gap.a} does not follow`);
  }

  /** Asks once more for everything after the position of this source, and of those that share its subscription. */
  resync(src, why) {
    const covering = this.subs.covering(src);
    this.journal.note('resync', { src, why });
    if (covering.length === 0) return this.leave([src]);
    const sub = covering.find(({ status }) => status === 'answered');
    if (!sub) return this.connection.restart('stuck');
    // The answer starts each of them at its position again, so what is still on its way for any of them must not be counted.
    for (const other of sub.sources) {
      this.ledger.asked(other);
      this.snapshots.drop(other);
    }
    sub.status = 'unsent';
    const wait = this.#resyncedAt + RESYNC_EVERY_MS - this.#seams.now();
    this.#resyncedAt = this.#seams.now() + Math.max(0, wait);
    this.requests.pump(Math.max(0, wait));
  }

  /** @param {import('./subscriptions.js').Subscription} sub it has been answered */
  settle(sub) {
    if (sub.replaces !== null) this.requests.unsub(sub.replaces);
    sub.replaces = null;
    if (!sub.renew) return;
    sub.renew = false;
    this.subs.renew(sub);
    this.requests.pump();
  }

  /** @param {import('./subscriptions.js').Subscription} sub @param {string} code of the `err` */
  refused(sub, code) {
    if (code === 'rate') {
      sub.status = 'unsent';
      return this.requests.pump(RATE_PAUSE_MS);
    }
    if (sub.replaces !== null) return Object.assign(sub, { id: sub.replaces, replaces: null, fresh: false, status: 'answered' });
    const sources = [...sub.sources];
    Object.assign(sub, { status: 'refused', sources: new Set() });
    for (const src of sources) this.ledger.refused(src);
    this.leave(sources.filter((src) => this.subs.covering(src).length === 0));
    return undefined;
  }

  /** Nobody wants these sources any more. @param {number[]} sources */
  leave(sources) {
    for (const src of sources) {
      for (const part of [this.catchup, this.heads, this.sources]) part.forget(src);
      this.ledger.leave(src);
      this.snapshots.drop(src);
    }
  }

  /** Tells the page, once per frame, that something is different. */
  changed() {
    if (this.store.dirty.size > 0) this.emit('dirty', this.store.dirty);
    this.emit('ledger', this.ledger);
  }

  /** Looks whether all that was asked for on this connection has come. */
  progress() {
    this.catchup.advance(this.ledger, (src, { resumed, at }) => {
      if (resumed) this.store.markRepaired(src, at, this.ledger.of(src).pos);
    });
    if (this.connection.state.state !== 'syncing' || this.subs.open > 0) return;
    if (!this.catchup.done && !this.controls.held) return;
    this.#cutAt = null;
    this.connection.caughtUp(this.catchup.result);
  }

  /** @returns {number} ms within which data must come while all is well; Infinity when none is due */
  dataEvery() {
    const cadence = this.sources.cadence();
    if (this.controls.held) return Infinity;
    // Whoever looks after sources is told something every second.
    if (cadence === Infinity) return this.standings?.size > 0 ? DELAYED_MS : Infinity;
    const rate = this.controls.reduced ?? this.controls.rate;
    return Math.max(DELAYED_MS, 1500 * cadence + 1000, rate ? 3000 / rate : 0);
  }

  /** @param {number} [src] all sources when left out @returns {number} seqs between what is here and the head */
  waiting(src) {
    if (src !== undefined) return this.heads.waiting(src, this.ledger.position(src));
    return this.ledger.all().reduce((sum, account) => sum + this.waiting(account.src), 0);
  }

  #lose(src, gap) {
    this.store.markGap(src, gap);
    this.journal.note('gap', { src, ...gap });
  }
}
