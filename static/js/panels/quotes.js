// Writes the figures of one series into every cell of a panel that shows them.

import { quote } from './quote.js';

/** A figure among others has its percent sign in the head of the column; one that stands alone carries it. */
const COLUMN = 'table, .movers, .legend';

export class Quotes {
  #panel;
  /** @type {Map<number, number>} the value last shown, for the way the next one goes */
  #shown = new Map();
  #alone = new Map();
  #sweep;

  /** @param {import('./panel.js').Panel} panel @param {import('./sweep.js').Sweep | null} [sweep] lights what moved among many; a large figure that stands alone is watched anyway */
  constructor(panel, sweep = null) {
    this.#panel = panel;
    this.#sweep = sweep;
  }

  /** @param {number} id of a series @returns {import('./quote.js').Quote} as it stands now */
  read(id) {
    return quote(this.#panel.ctx.series(id), this.#panel.first(id));
  }

  /** @param {number} id of a series @returns {import('./quote.js').Quote} as written */
  write(id) {
    const made = this.read(id);
    if (this.#panel.cells.write(id, 'last', made.text.last)) this.#changed(id, made);
    this.#shown.set(id, made.value);
    // Until rows have come only the server knows where the window began, and what it wrote stands.
    if (made.change !== null || this.#panel.ctx.view(id) !== null) this.#writeChange(id, made);
    return made;
  }

  #writeChange(id, made) {
    const { cells } = this.#panel;
    cells.write(id, 'change', made.text.change);
    for (const cell of cells.of(id, 'pct')) cells.put(cell, made.percent !== null && this.#standsAlone(cell) ? `${made.text.percent}%` : made.text.percent);
    cells.turn(id, 'change', made.change === null ? '' : made.way);
    cells.turn(id, 'pct', made.percent === null ? '' : made.way);
    cells.turn(id, 'glyph', made.change === null ? '' : made.way);
  }

  #changed(id, { value }) {
    this.#panel.entitle(id);
    this.#light(id, value);
  }

  #light(id, value) {
    const before = this.#shown.get(id);
    if (!this.#sweep || typeof before !== 'number' || typeof value !== 'number' || before === value || this.#panel.ctx.mode() !== 'live') return;
    for (const cell of this.#panel.cells.of(id, 'last')) this.#sweep.light(cell, value > before ? 'up' : 'down');
  }

  #standsAlone(cell) {
    if (!this.#alone.has(cell)) this.#alone.set(cell, cell.closest(COLUMN) === null);
    return this.#alone.get(cell);
  }
}
