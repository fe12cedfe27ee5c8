// Holds which frames have been applied but not yet acknowledged, and acknowledges them in time.

export const EVERY_FRAMES = 16;
export const EVERY_BYTES = 64 * 1024;
export const EVERY_MS = 1_000;

/**
 * The server sends only so much ahead of the last acknowledgement. That is the whole of flow control: a browser that cannot keep up
 * acknowledges late, and the server merges instead of queueing.
 */
export class Credit {
  #seams;
  #send;
  #token = null;
  #frames = 0;
  #bytes = 0;
  #timer = null;

  /** @param {{setTimeout: Function, clearTimeout: Function}} seams @param {(token: string) => void} send */
  constructor(seams, send) {
    this.#seams = seams;
    this.#send = send;
  }

  /** Call it after the frame has been applied, never before. @param {string} token @param {number} bytes */
  applied(token, bytes) {
    this.#token = token;
    this.#frames += 1;
    this.#bytes += bytes;
    if (this.#frames >= EVERY_FRAMES || this.#bytes >= EVERY_BYTES) return this.flush();
    this.#timer ??= this.#seams.setTimeout(() => this.flush(), EVERY_MS);
  }

  /** Acknowledges now: one token stands for itself and everything before it. */
  flush() {
    const token = this.#token;
    this.reset();
    if (token !== null) this.#send(token);
  }

  /** The socket is gone, and the tokens with it. */
  reset() {
    if (this.#timer !== null) this.#seams.clearTimeout(this.#timer);
    this.#timer = this.#token = null;
    this.#frames = this.#bytes = 0;
  }
}
