// Holds back the news of a lost connection for a second: what is repaired by then was no news.

export const GRACE_MS = 1_000;
const UP = new Set(['live', 'delayed']);
const FINAL = new Set(['closed']);

export class Grace {
  #now;
  #shown = null;
  #lostAt = null;

  /** @param {() => number} now monotonic ms */
  constructor(now) {
    this.#now = now;
  }

  /** @template {{state: string}} T @param {T} state of the connection @returns {T} the one to show */
  take(state) {
    if (UP.has(state.state) || FINAL.has(state.state) || this.#shown === null || !UP.has(this.#shown.state)) {
      this.#lostAt = null;
      // A word about a first connection that is being made is no alarm, and needs no grace.
      this.#shown = state;
      return state;
    }
    this.#lostAt ??= this.#now();
    if (this.#now() - this.#lostAt >= GRACE_MS) {
      this.#lostAt = null;
      this.#shown = state;
    }
    return this.#shown;
  }

  /** @returns {number | null} ms until the page must look again */
  get wait() {
    return this.#lostAt === null ? null : Math.max(0, this.#lostAt + GRACE_MS - this.#now());
  }
}
