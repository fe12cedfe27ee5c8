// Turns the number of failed tries into the time to wait before the next one.

import { closeCode } from './close_codes.js';

export const UNIT_MS = 500;
export const CAP_MS = 20_000;
/** A connection that was live for less than this has not proved that the trouble is over. */
export const STEADY_MS = 5_000;
/** No server may send a viewer away for longer than this. */
const LONGEST_WISH_MS = 120_000;

/**
 * Full jitter: anywhere between 0 and the bound. Thousands of pages lose their socket in the same instant when a server restarts;
 * only chance keeps them from coming back in the same instant.
 */
export class Backoff {
  #random;
  /** Failed tries since the last steady connection. */
  attempt = 0;

  /** @param {() => number} random in [0, 1) */
  constructor(random) {
    this.#random = random;
  }

  /** @param {number} liveMs how long the connection that just ended had been live */
  settle(liveMs) {
    if (liveMs >= STEADY_MS) this.attempt = 0;
  }

  /**
   * Counts one more failure.
   * @param {number | null} code close code
   * @param {{retry?: [number, number] | null, spread?: number}} [hint] `retry` from `bye` in ms, `spread` from `hello` in seconds
   * @returns {number} ms to wait
   */
  next(code, { retry = null, spread = 5 } = {}) {
    this.attempt += 1;
    const { floor, range } = closeCode(code);
    const jitter = this.#between(0, Math.min(CAP_MS, UNIT_MS * 2 ** this.attempt));
    const wish = retry ?? (range === 'spread' ? [0, spread * 1000] : range);
    if (!wish) return floor + jitter;
    const wished = this.#between(wish[0], Math.min(wish[1], LONGEST_WISH_MS));
    // A wish is for the first return. When that keeps failing the ordinary curve takes over, or a short wish would become a hammer.
    return Math.max(floor, wished, this.attempt > 1 ? jitter : 0);
  }

  #between(low, high) {
    return low + this.#random() * Math.max(0, high - low);
  }
}
