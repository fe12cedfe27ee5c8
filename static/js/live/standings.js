// Holds how the sources stand that this page looks after: what runs them, how far they are, and when they last moved.

/**
 * @typedef {object} Standing
 * @property {number} src
 * @property {string} name
 * @property {number} cadence   seconds between ticks of the healthy source
 * @property {boolean} enabled
 * @property {string} state     starting, live, late, down, stopped, degraded, or unknown: nobody has said anything yet
 * @property {number | null} since  server ms of that state
 * @property {number | null} last   server ms of its newest tick as far as is known
 * @property {number | null} hz     ticks a second
 * @property {string} msg       what is wrong, in words
 * @property {boolean} told     the figures below have come over the socket
 * @property {string} epoch
 * @property {number} head      ticks published in this epoch
 * @property {number} lost      of these, how many are gaps
 * @property {number} refused   ticks that were not admitted
 * @property {string | null} worker  who holds its lease; null: nobody does
 * @property {number} viewers
 */

const NEW = {
  state: 'unknown', since: null, last: null, hz: null, msg: '', told: false, epoch: '', head: 0, lost: 0, refused: 0, worker: null, viewers: 0,
};

export class Standings {
  /** @type {Map<number, Standing>} */
  #standings = new Map();

  /** Those that are not in the list are looked after no longer. @param {{src: number, name: string, cadence: number, enabled: boolean}[]} list */
  define(list) {
    this.#standings = new Map(list.map((told) => [told.src, { ...NEW, ...this.#standings.get(told.src), ...told }]));
  }

  /** @param {any} st */
  report({ src, state, since, last, hz, msg }) {
    const known = this.#standings.get(src);
    if (known) Object.assign(known, { state, since: since ?? null, last: newer(known.last, last), hz: hz ?? null, msg: msg ?? '' });
  }

  /** @param {{now: number, s: any[]}} stat */
  stand({ now, s }) {
    for (const told of s) {
      const known = this.#standings.get(told.src);
      if (!known) continue;
      // A head that has moved since the last look is a tick that has just come; the state says so a moment later.
      const moved = known.told && told.epoch === known.epoch && told.head > known.head;
      Object.assign(known, told, { told: true, last: moved ? newer(known.last, now) : known.last });
    }
  }

  /** @returns {Standing[]} */
  all() {
    return [...this.#standings.values()];
  }

  get size() {
    return this.#standings.size;
  }
}

const newer = (a, b) => (a === null || a === undefined ? b ?? null : Math.max(a, b ?? a));
