// Holds what the page wants to see. It is state, not messages: each new socket is told all of it again, with the positions reached.

import { encode } from './protocol.js';

/** A connection may send 20 messages a second; a burst of subscriptions leaves room for acks. */
export const AT_ONCE = 16;
export const PACE_MS = 1_000;
export const ANSWER_MS = 10_000;

/**
 * @typedef {object} Wish
 * @property {string} [dashboard]  its slug; or
 * @property {number[]} [series]   ids; or
 * @property {number[]} [sources]  ids of sources to look after, without their ticks
 * @property {() => number} [history]  their events are wanted too, those after the one of this number
 * @property {number} [window]     seconds of backfill
 * @property {number} [points]     rows a series that the backfill is thinned to
 */

/**
 * @typedef {object} Subscription
 * @property {number} id
 * @property {Wish} wish
 * @property {number} users        how many parts of the page want it
 * @property {Set<number>} sources as of the last answer; their positions may be resumed from
 * @property {'unsent' | 'sent' | 'answered' | 'refused'} status
 * @property {boolean} fresh       ask for snapshots even of sources that are known
 * @property {boolean} renew       ask anew once this is answered: the socket was cut before the last renewal was
 * @property {number | null} replaces  id of the subscription to end once this one is answered
 * @property {number} sentAt
 */

export class Subscriptions {
  /** @type {Map<string, Subscription>} */
  #byWish = new Map();
  #nextId;
  #now;

  /** @param {() => number} nextId @param {() => number} now monotonic ms */
  constructor(nextId, now) {
    this.#nextId = nextId;
    this.#now = now;
  }

  /** @param {Wish} wish @returns {Subscription} shared by all who wish the same */
  want(wish) {
    const key = JSON.stringify([wish.dashboard, wish.series, wish.sources, wish.window, wish.points]);
    let sub = this.#byWish.get(key);
    if (!sub) {
      sub = { id: this.#nextId(), wish, users: 0, sources: new Set(), status: 'unsent', fresh: false, renew: false, replaces: null, sentAt: 0 };
      this.#byWish.set(key, sub);
    }
    sub.users += 1;
    return sub;
  }

  /** @param {Subscription} sub @returns {number[] | null} null: others still want it; else the sources that nobody wants any more */
  unwant(sub) {
    sub.users -= 1;
    if (sub.users > 0) return null;
    for (const [key, other] of this.#byWish) if (other === sub) this.#byWish.delete(key);
    return [...sub.sources].filter((src) => this.covering(src).length === 0);
  }

  /**
   * Asks anew under another id, without positions, and ends the old one when the answer is there: series that have been added get their
   * backfill, and those that were there go on without a hole.
   * @param {Subscription} sub
   */
  renew(sub) {
    if (sub.status === 'unsent') return;
    Object.assign(sub, { replaces: sub.replaces ?? sub.id, id: this.#nextId(), status: 'unsent', fresh: true });
  }

  /** @returns {Subscription[]} */
  all() {
    return [...this.#byWish.values()];
  }

  /** @param {number} src @returns {Subscription[]} */
  covering(src) {
    return this.all().filter((sub) => sub.sources.has(src));
  }

  /** @param {number} id @returns {Subscription | undefined} */
  byId(id) {
    return this.all().find((sub) => sub.id === id);
  }

  /** @returns {Subscription[]} at most as many as may be sent at once */
  unsent() {
    return this.all().filter((sub) => sub.status === 'unsent').slice(0, AT_ONCE);
  }

  /** @returns {number} subscriptions whose answer has not come */
  get open() {
    return this.all().filter((sub) => sub.status === 'unsent' || sub.status === 'sent').length;
  }

  /** @returns {boolean} whether one has waited too long for its answer */
  get overdue() {
    return this.all().some((sub) => sub.status === 'sent' && this.#now() - sub.sentAt >= ANSWER_MS);
  }

  /** @param {Subscription} sub @param {(src: number) => [string, number] | null} position @returns {string} the frame to send */
  ask(sub, position) {
    Object.assign(sub, { status: 'sent', sentAt: this.#now() });
    const since = {};
    if (!sub.fresh) {
      for (const src of sub.sources) {
        const reached = position(src);
        if (reached) since[src] = reached;
      }
    }
    return encode.sub(sub.id, { ...sub.wish, history: sub.wish.history?.() }, since);
  }

  /** @param {{id: number, sources: {src: number}[]}} subd @returns {Subscription | undefined} undefined: nobody wants it any more */
  answer({ id, sources }) {
    const sub = this.byId(id);
    if (sub) Object.assign(sub, { status: 'answered', fresh: false, sources: new Set(sources.map(({ src }) => src)) });
    return sub;
  }

  /** The socket is gone: everything has to be said again. */
  cut() {
    for (const sub of this.#byWish.values()) {
      // Resuming comes before renewing: asking for snapshots now would leave out what happened while the socket was down.
      const renew = sub.renew || (sub.fresh && sub.sources.size > 0);
      Object.assign(sub, { status: 'unsent', fresh: false, renew, replaces: null });
    }
  }
}
