// Holds named timers, at most one of each name, so that none is ever forgotten.

export class Timers {
  #seams;
  #running = new Map();

  /** @param {{setTimeout: Function, clearTimeout: Function}} seams */
  constructor(seams) {
    this.#seams = seams;
  }

  /** Replaces the timer of that name. @param {string} name @param {number} ms @param {() => void} fn */
  set(name, ms, fn) {
    this.clear(name);
    const timer = this.#seams.setTimeout(() => {
      this.#running.delete(name);
      fn();
    }, ms);
    this.#running.set(name, timer);
  }

  /** @param {string} name */
  has(name) {
    return this.#running.has(name);
  }

  /** @param {string[]} names none: all of them */
  clear(...names) {
    for (const name of names.length ? names : [...this.#running.keys()]) {
      if (this.#running.has(name)) this.#seams.clearTimeout(this.#running.get(name));
      this.#running.delete(name);
    }
  }
}
