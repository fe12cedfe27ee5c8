// Holds a clock that moves only when a test says so: monotonic time, wall time, and the timers that hang on the first.

export class FakeClock {
  #at;
  #timers = new Map();
  #ids = 0;
  /** Wall time minus monotonic time; set it to play a viewer whose clock is wrong or is being changed. */
  wallOffset = 1_795_361_830_000;

  constructor(at = 1_000) {
    this.#at = at;
  }

  now = () => this.#at;
  wall = () => this.#at + this.wallOffset;

  setTimeout = (fn, ms) => {
    this.#ids += 1;
    this.#timers.set(this.#ids, { fn, at: this.#at + Math.max(0, ms) });
    return this.#ids;
  };

  clearTimeout = (id) => {
    this.#timers.delete(id);
  };

  get timers() {
    return this.#timers.size;
  }

  /** Time passes and every timer fires when it is due. */
  advance(ms) {
    const end = this.#at + ms;
    for (let next = this.#due(end); next; next = this.#due(end)) {
      const [id, timer] = next;
      this.#timers.delete(id);
      this.#at = Math.max(this.#at, timer.at);
      timer.fn();
    }
    this.#at = end;
  }

  /** The machine sleeps or the tab is throttled: time passes, and the timers fire late, all at the end. */
  sleep(ms) {
    this.#at += ms;
    this.advance(0);
  }

  #due(end) {
    let found = null;
    for (const entry of this.#timers) if (entry[1].at <= end && (!found || entry[1].at < found[1].at)) found = entry;
    return found;
  }
}

/** A small generator of numbers in [0, 1): the same seed gives the same run. */
export function seeded(seed) {
  let x = seed >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return x / 2 ** 32;
  };
}
