// Turns the server's `now` into a clock that a wrong or jumping clock of the viewer cannot disturb.

const KEPT = 5;
/** A sample this far ahead cannot be explained by delay: the monotonic clock stood still while the machine slept. */
const SLEPT_MS = 1_000;

export class ServerClock {
  #now;
  #wall;
  /** @type {number[]} server time minus monotonic time, newest last */
  #offsets = [];
  #offset;
  /** Round trip in ms, null until the first pong. @type {number | null} */
  rtt = null;

  /** @param {{now: () => number, wall: () => number}} seams monotonic ms; wall clock ms */
  constructor({ now, wall }) {
    this.#now = now;
    this.#wall = wall;
    // Until the server has spoken the viewer's own clock must do, read once: if it is changed afterwards nothing here moves.
    this.#offset = wall() - now();
  }

  get synced() {
    return this.#offsets.length > 0;
  }

  /** @returns {number} server time, ms */
  now() {
    return this.#now() + this.#offset;
  }

  /** @returns {number} ms by which the viewer's own clock is ahead of the server's; to tell him, never to compute with */
  skew() {
    return this.#wall() - this.now();
  }

  /** A new connection may lead to another machine, and the computer may have slept: old samples prove nothing. */
  restart() {
    this.#offsets = [];
  }

  /**
   * @param {number} serverNow the server's time when it sent the message that has just arrived
   * @param {number} [rtt] round trip of this very message, when it is the answer to a ping
   */
  sample(serverNow, rtt) {
    if (rtt !== undefined) this.rtt = rtt;
    const offset = serverNow + (this.rtt ?? 0) / 2 - this.#now();
    if (this.synced && offset - this.#offset > SLEPT_MS) this.#offsets = [];
    this.#offsets.push(offset);
    if (this.#offsets.length > KEPT) this.#offsets.shift();
    this.#offset = median(this.#offsets);
  }
}

function median(list) {
  const sorted = list.slice().sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
