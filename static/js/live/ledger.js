// Holds the account of every source: published = shown + merged + gap, with no hole, no overlap and nothing unexplained.

import { countTicks } from './rows.js';

const KEPT_GAPS = 200;

/** @typedef {import('./types.js').Account} Account */

/** What the caller must do with a message: take it in; drop it; or ask for everything after `pos` again, once. @typedef {'apply' | 'drop' | 'resync'} Verdict */

export class Ledger {
  /** @type {Map<number, Account>} */
  #accounts = new Map();
  #span;
  #onLoss;

  /**
   * @param {(src: number) => {from: number | null, to: number | null}} span the time between the newest row of a source and now, for
   *   losses that come without their times
   * @param {(src: number, gap: Account['gaps'][0]) => void} onLoss told of every entry of `gaps` the moment it is made
   */
  constructor(span = () => ({ from: null, to: null }), onLoss = () => {}) {
    this.#span = span;
    this.#onLoss = onLoss;
  }

  /** @param {number} src @returns {Account} live: its fields change */
  of(src) {
    let account = this.#accounts.get(src);
    if (!account) {
      account = {
        src, epoch: null, pos: null, published: 0, shown: 0, merged: 0, gap: 0, unknownGaps: 0, duplicates: 0, duplicateTicks: 0,
        discarded: 0, unexplained: 0, resyncs: 0, reconnects: 0, gaps: [], phase: 'even',
      };
      this.#accounts.set(src, account);
    }
    return account;
  }

  /** @returns {Account[]} */
  all() {
    return [...this.#accounts.values()];
  }

  /** @returns {Record<'published' | 'shown' | 'merged' | 'gap' | 'unknownGaps' | 'duplicates' | 'duplicateTicks' | 'discarded' | 'unexplained' | 'resyncs' | 'reconnects', number>} */
  total() {
    const sum = { published: 0, shown: 0, merged: 0, gap: 0, unknownGaps: 0, duplicates: 0, duplicateTicks: 0, discarded: 0, unexplained: 0, resyncs: 0, reconnects: 0 };
    for (const account of this.#accounts.values()) for (const name in sum) sum[name] += account[name];
    return sum;
  }

  /** @param {number} src @returns {[string, number] | null} */
  position(src) {
    const { epoch, pos } = this.of(src);
    return pos === null ? null : [epoch, pos];
  }

  /** Where it may be resumed from; nothing can be resumed where nothing was. @param {number} src @returns {[string, number] | null} */
  resumable(src) {
    return this.of(src).epoch === '' ? null : this.position(src);
  }

  /** Has everything up to this position been accounted for? @param {number} src @param {string} epoch @param {number} seq */
  reached(src, epoch, seq) {
    const account = this.of(src);
    return account.pos !== null && account.epoch === epoch && account.pos >= seq;
  }

  /** A source is asked for again: until `answer` whatever comes was sent before the server knew. @param {number} src */
  asked(src) {
    const account = this.of(src);
    account.phase = 'asked';
    account.resyncs += 1;
  }

  /** @param {{src: number, epoch: string, recovered: boolean, why?: string | null}} source of `subd` @param {boolean} returned first answer on a new socket */
  answer({ src, epoch, recovered, why }, returned) {
    const account = this.of(src);
    if (returned && account.pos !== null) account.reconnects += 1;
    account.phase = account.phase === 'asked' ? 'answered' : 'even';
    // Continuing a run that this page does not know would join two numberings silently.
    if ((recovered || why === 'trimmed') && account.epoch !== epoch) account.pos = null;
  }

  /** The request for a source was refused: nothing will be sent again. @param {number} src */
  refused(src) {
    const account = this.of(src);
    if (account.phase === 'asked') account.phase = 'answered';
  }

  /** Nobody subscribes any more. What is still on its way is dropped, and the next snapshot is a start and not a gap. @param {number} src */
  leave(src) {
    Object.assign(this.of(src), { phase: 'left', pos: null, epoch: null });
  }

  /** The socket is gone, and with it all that was on its way. */
  cut() {
    for (const account of this.#accounts.values()) if (account.phase !== 'left') account.phase = 'even';
  }

  /**
   * A complete snapshot.
   * @param {{src: number, epoch: string, seq: number}} snap
   * @returns {'start' | 'fill' | 'drop'} fill: not newer than what is here, so only series without rows may take from it
   */
  snapshot({ src, epoch, seq }) {
    const account = this.of(src);
    if (this.#deaf(account)) return 'drop';
    account.phase = 'even';
    // The empty epoch is that of a log in which nobody has written yet: leaving it loses nothing.
    if (account.pos !== null && account.epoch === epoch) {
      if (seq <= account.pos) return 'fill';
      this.#loss(account, { cause: 'restart', a: account.pos + 1, b: seq });
    } else if (account.pos !== null && account.epoch !== '') {
      this.#loss(account, { cause: 'epoch', a: account.pos + 1, b: account.pos });
    }
    Object.assign(account, { epoch, pos: seq });
    return 'start';
  }

  /** @param {{src: number, a: number, b: number, n: number, rows: import('./rows.js').Rows}} block of a `d` @returns {Verdict} */
  range({ src, a, b, n, rows }) {
    const account = this.of(src);
    const verdict = this.#fits(account, a, b);
    if (verdict !== 'apply') return verdict;
    const ticks = countTicks(rows);
    account.pos = b;
    account.published += n;
    account.shown += rows.i.length;
    account.merged += ticks - rows.i.length;
    account.unexplained += Math.abs(n - ticks);
    return 'apply';
  }

  /** @param {{src: number, a: number, b: number, why: string, from: number | null, to: number | null}} gap @returns {Verdict} */
  gap({ src, a, b, why, from, to }) {
    const account = this.of(src);
    if (this.#deaf(account)) return 'drop';
    if (why === 'epoch' || why === 'ahead') {
      this.#loss(account, { cause: why, a, b, from, to });
      account.pos = null; // a snapshot follows
      return 'apply';
    }
    let first = a;
    if (account.pos !== null && a <= account.pos && b > account.pos) {
      this.#repeated(account, account.pos - a + 1);
      first = account.pos + 1; // a gap holds no rows, so what is new of it can be told from what is not
    }
    const verdict = this.#fits(account, first, b);
    if (verdict !== 'apply') return verdict;
    account.pos = b;
    this.#loss(account, { cause: why, a: first, b, from, to });
    return 'apply';
  }

  // Asked again, or left: whatever comes now was sent before the server knew.
  #deaf(account) {
    if (account.phase !== 'asked' && account.phase !== 'left') return false;
    account.discarded += 1;
    return true;
  }

  #fits(account, a, b) {
    if (this.#deaf(account)) return 'drop';
    const { pos, phase } = account;
    const next = pos !== null && a === pos + 1;
    if (pos !== null && b <= pos && !next) return this.#repeated(account, b - a + 1);
    if (next) {
      account.phase = 'even';
      return 'apply';
    }
    const overlap = pos !== null && a <= pos;
    if (overlap) this.#repeated(account, pos - a + 1);
    if (phase === 'even') return 'resync';
    return this.#adopt(account, a, b, overlap);
  }

  // Asking again did not help. Going on is better than standing still, but the page must say that something is missing.
  #adopt(account, a, b, overlap) {
    account.phase = 'even';
    const first = account.pos === null ? a : account.pos + 1;
    // Rows carry no seq, so of an overlapping range nothing can be taken without counting some ticks twice: its new part is missing.
    const end = overlap ? b : a - 1;
    account.unexplained += Math.max(1, end - first + 1);
    this.#keep(account, { cause: 'unexplained', a: first, b: end });
    account.pos = end;
    return overlap ? 'drop' : 'apply';
  }

  #repeated(account, ticks) {
    account.duplicates += 1;
    account.duplicateTicks += ticks;
    return 'drop';
  }

  #loss(account, gap) {
    const count = gap.b - gap.a + 1;
    if (count > 0) {
      account.gap += count;
      account.published += count;
    } else account.unknownGaps += 1;
    this.#keep(account, gap);
  }

  #keep(account, { cause, a, b, from, to }) {
    const span = this.#span(account.src);
    const count = b - a + 1;
    const entry = { cause, a, b, from: from ?? span.from, to: to ?? span.to, count: count > 0 ? count : null };
    account.gaps.push(entry);
    if (account.gaps.length > KEPT_GAPS) account.gaps.shift();
    this.#onLoss(account.src, entry);
  }
}
