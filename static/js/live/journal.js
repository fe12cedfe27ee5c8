// Holds the last 200 things that happened to the connection, for a person to read or to send along with a report.

export const KEPT = 200;

/** @typedef {{at: number, what: string, detail: object}} Entry  at: server time in ms */

export class Journal {
  /** @type {Entry[]} */
  #entries = [];
  #clock;
  /** How often each thing happened since the page was opened; not limited to the entries still kept. */
  counts = /** @type {Record<string, number>} */ ({});

  /** @param {{now(): number}} clock server time */
  constructor(clock) {
    this.#clock = clock;
  }

  /** @param {string} what a word such as `open`, `down`, `bad_frame` @param {object} [detail] */
  note(what, detail = {}) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
    this.#entries.push({ at: Math.round(this.#clock.now()), what, detail });
    if (this.#entries.length > KEPT) this.#entries.shift();
  }

  /** @returns {Entry[]} oldest first; a copy */
  entries() {
    return this.#entries.slice();
  }

  /** @returns {string} JSON to download */
  export() {
    return JSON.stringify({ counts: this.counts, entries: this.#entries }, null, 1);
  }
}
