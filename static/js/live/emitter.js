// Holds listeners by event name and calls each on its own, so that one that throws harms neither the others nor the feed.

export class Emitter {
  /** @type {Map<string, {fn: (value: any) => void, on: boolean}[]>} */
  #listeners = new Map();
  #onThrow;

  /** @param {(error: unknown, event: string) => void} onThrow told of every listener that throws */
  constructor(onThrow) {
    this.#onThrow = onThrow;
  }

  /**
   * @param {string} event
   * @param {(value: any) => void} fn
   * @returns {() => void} takes the listener off again; calling it twice is harmless
   */
  on(event, fn) {
    if (typeof fn !== 'function') throw new TypeError('a listener must be a function');
    const entry = { fn, on: true };
    // A new array each time: an emit under way keeps walking the old one, so adding a listener inside a listener is safe.
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), entry]);
    return () => {
      entry.on = false;
      this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((other) => other !== entry));
    };
  }

  /** @param {string} event @param {any} value */
  emit(event, value) {
    for (const entry of this.#listeners.get(event) ?? []) {
      if (!entry.on) continue;
      try {
        entry.fn(value);
      } catch (error) {
        this.#onThrow(error, event);
      }
    }
  }
}
