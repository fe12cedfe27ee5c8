// Turns silence on a line into one call.

/** A timer that fires this late was held back (a sleeping machine, a throttled tab); what arrived meanwhile may still be waiting. */
export const LATE_MS = 1_000;
export const GRACE_MS = 1_000;

/** One timer that is looked at rather than moved: a message only notes the time, so a thousand messages cost no timer. */
export class Silence {
  #seams;
  #limit;
  #onSilence;
  #timer = null;
  #heardAt = 0;
  #dueAt = 0;
  #graced = false;

  /**
   * @param {{now: () => number, setTimeout: Function, clearTimeout: Function}} seams
   * @param {() => number} limit ms of silence that are too long; asked again at every look; Infinity: do not watch now
   * @param {() => void} onSilence called once; `start` arms it again
   */
  constructor(seams, limit, onSilence) {
    this.#seams = seams;
    this.#limit = limit;
    this.#onSilence = onSilence;
  }

  get running() {
    return this.#timer !== null;
  }

  start() {
    this.heard();
    this.look();
  }

  /** Something came. */
  heard() {
    this.#heardAt = this.#seams.now();
    this.#graced = false;
  }

  /** @returns {number} ms since something came */
  quietFor() {
    return this.#seams.now() - this.#heardAt;
  }

  stop() {
    if (this.#timer !== null) this.#seams.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Plans the next look; call it when the limit has become shorter. */
  look() {
    const left = this.#limit() - this.quietFor();
    this.#wait(Math.max(0, left));
  }

  #wait(ms) {
    this.stop();
    if (ms === Infinity) return;
    this.#dueAt = this.#seams.now() + ms;
    this.#timer = this.#seams.setTimeout(() => this.#fire(), ms);
  }

  #fire() {
    this.#timer = null;
    if (this.quietFor() < this.#limit()) return this.look();
    const late = this.#seams.now() - this.#dueAt > LATE_MS;
    if (late && !this.#graced) {
      this.#graced = true;
      return this.#wait(GRACE_MS);
    }
    this.#onSilence();
  }
}
