// Holds what is known of each source: name, cadence, state, and when it last gave a sign of life.

import { judge } from './freshness.js';

/** @typedef {import('./types.js').Source} Source */

export class Sources {
  /** @type {Map<number, Source>} */
  #sources = new Map();

  /** @param {any[]} list the `sources` of `subd` @param {number} now server ms */
  define(list, now) {
    for (const { src, name, cadence, state } of list) {
      const known = this.#sources.get(src);
      const source = known ?? { src, name: '', cadence: 1, state: 'live', since: null, last: null, hz: null, msg: '', askedAt: now, quietAt: null };
      Object.assign(source, { name: name ?? source.name, cadence, state: state ?? source.state });
      this.#sources.set(src, source);
    }
  }

  /** @param {any} st @returns {Source | undefined} undefined: a source nobody here asked for */
  report({ src, state, since, last, hz, msg }) {
    const source = this.#sources.get(src);
    if (!source) return undefined;
    return Object.assign(source, { state, since: since ?? null, last: last ?? source.last, hz: hz ?? null, msg: msg ?? '' });
  }

  /** A range came without rows: it has ticked, in series that this page does not show. @param {number} src @param {number} now */
  ticked(src, now) {
    const source = this.#sources.get(src);
    if (source) source.quietAt = now;
  }

  /** @param {number} src @returns {Source | undefined} */
  of(src) {
    return this.#sources.get(src);
  }

  /** @returns {Source[]} */
  all() {
    return [...this.#sources.values()];
  }

  forget(src) {
    this.#sources.delete(src);
  }

  /** @returns {number} seconds after which the fastest live source must have ticked; Infinity when none is live */
  cadence() {
    let fastest = Infinity;
    for (const source of this.#sources.values()) if (source.state === 'live' && source.cadence < fastest) fastest = source.cadence;
    return fastest;
  }

  /** @param {number} src @param {number | null} newest server ms of its newest row here @param {number} now @returns {import('./freshness.js').Freshness | null} */
  freshness(src, newest, now) {
    const source = this.#sources.get(src);
    if (!source) return null;
    // `source.last` does not count: it says what the server has, and a paused page would call its old picture fresh by it.
    const last = newest === null && source.quietAt === null ? null : Math.max(newest ?? 0, source.quietAt ?? 0);
    return judge({ cadence: source.cadence, last, since: source.askedAt, now });
  }
}
