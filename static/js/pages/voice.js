// Speaks to those who listen to the page: seldom, and never numbers.

export const EVERY_MS = 5_000;

export class Voice {
  #seams;
  #polite;
  #loud;
  #spokeAt = -Infinity;
  /** @type {string[]} */
  #waiting = [];
  #timer = null;

  /**
   * @param {{now: () => number, setTimeout: Function}} seams
   * @param {{textContent: string | null}} polite region that waits its turn @param {{textContent: string | null}} loud region that interrupts
   */
  constructor(seams, polite, loud) {
    this.#seams = seams;
    this.#polite = polite;
    this.#loud = loud;
  }

  /** What comes within five seconds is said together. @param {string} text */
  say(text) {
    if (this.#waiting.at(-1) === text) return;
    this.#waiting.push(text);
    if (this.#timer !== null) return;
    const wait = this.#spokeAt + EVERY_MS - this.#seams.now();
    if (wait <= 0) this.#speak();
    else this.#timer = this.#seams.setTimeout(() => this.#speak(), wait);
  }

  /** For the loss of the connection only. @param {string} text */
  shout(text) {
    this.#loud.textContent = text;
  }

  #speak() {
    this.#timer = null;
    this.#spokeAt = this.#seams.now();
    this.#polite.textContent = this.#waiting.join('. ');
    this.#waiting = [];
  }
}
