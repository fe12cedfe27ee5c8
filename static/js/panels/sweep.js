// Lights a cell that has changed, and puts all such lights out again by one timer.

export const LIT_MS = 400;
/** Twice a second would be the most that does not flicker. Where everything ticks, cells that are always lit say nothing: so, less often. */
export const EVERY_MS = 2_000;
const SWEEP_MS = 150;

/** @typedef {{classList: {add(name: string): void, remove(name: string): void}, dataset: Record<string, string>}} Cell */

function ofBrowser() {
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  return {
    now: () => performance.now(), random: Math.random, still: () => still.matches,
    setTimeout: (fn, ms) => setTimeout(fn, ms), clearTimeout: (timer) => clearTimeout(timer),
  };
}

export class Sweep {
  #seams;
  /** @type {Map<Cell, number>} when it was lit */
  #lit = new Map();
  /** @type {WeakMap<Cell, number>} from when on it may be lit again */
  #next = new WeakMap();
  #timer = null;
  #sweptAt = -Infinity;

  /** @param {{now: () => number, setTimeout: Function, clearTimeout: Function, random: () => number, still: () => boolean}} seams  still: the
   *   person wants no motion */
  constructor(seams = ofBrowser()) {
    this.#seams = seams;
  }

  /** @param {Cell} cell @param {'up' | 'down'} way */
  light(cell, way) {
    const { now, still, random } = this.#seams;
    if (still() || now() < (this.#next.get(cell) ?? -Infinity)) return;
    // Chance keeps the cells of a table, which all begin together, from lighting together for ever.
    this.#next.set(cell, now() + EVERY_MS * (0.5 + random()));
    this.#lit.set(cell, now());
    cell.dataset.way = way;
    cell.classList.add('lit');
    // With the next drawing, where there is one: the timer would have another frame painted.
    if (this.#timer === null || now() - this.#sweptAt >= SWEEP_MS / 3) this.#sweep();
  }

  /** All out at once: the page has stopped, and a light would say the opposite. */
  clear() {
    for (const cell of this.#lit.keys()) cell.classList.remove('lit');
    this.#lit.clear();
  }

  #sweep() {
    const { now, setTimeout, clearTimeout } = this.#seams;
    clearTimeout(this.#timer);
    this.#sweptAt = now();
    for (const [cell, at] of this.#lit) {
      if (now() - at < LIT_MS) continue;
      cell.classList.remove('lit');
      this.#lit.delete(cell);
    }
    this.#timer = this.#lit.size > 0 ? setTimeout(() => this.#sweep(), SWEEP_MS) : null;
  }
}
