// Shows series as bars from one zero: who moved most, or who has most.

import { direction } from '../charts/figures.js';
import { barShapes, rank } from '../charts/movers.js';
import { Panel } from './panel.js';
import { Quotes } from './quotes.js';
import { Sweep } from './sweep.js';

/** Width of a bar's picture, in its own units. */
const UNITS = 200;
/** Bars that trade places faster than this cannot be followed. Their figures wait for it too: they never stand out of order. */
const RANK_EVERY_MS = 1_000;

export class BarsPanel extends Panel {
  #sweep = new Sweep();
  #quotes = new Quotes(this, this.#sweep);
  #list;
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();
  #rankedAt = -Infinity;

  constructor(el, config, ctx) {
    super(el, config, ctx);
    this.#list = el.querySelector('.movers');
    for (const row of el.querySelectorAll('.movers > [data-series]')) this.#rows.set(Number(row.dataset.series), row);
  }

  draw(now) {
    this.drawHead();
    const { sort } = this.config.options;
    // Until rows have come only the server knows who moved, and what it drew stands.
    if (!this.config.series.some((id) => this.ctx.view(id)) || (sort && now - this.#rankedAt < RANK_EVERY_MS)) return;
    const percent = this.config.options.scale === 'percent';
    const items = this.config.series.map((id) => {
      const made = this.#quotes.write(id);
      const value = percent ? made.percent : typeof made.value === 'number' ? made.value : null;
      return { id, value, way: percent ? direction(value ?? NaN, 2) : direction(value ?? NaN, this.ctx.series(id).decimals) };
    });
    this.#drawBars(items);
    if (sort) this.#rank(items, now);
  }

  restyle() {
    super.restyle();
    // The page may have stopped, and a light would say the opposite.
    this.#sweep?.clear();
  }

  #drawBars(items) {
    const { min, max, scale } = this.config.options;
    const shapes = barShapes(items.map(({ value }) => value), { min, max, signed: scale === 'percent' });
    items.forEach(({ id, way }, at) => {
      const { from, to } = shapes[at];
      for (const bar of this.cells.of(id, 'bar')) set(bar, { class: way, x: (from * UNITS).toFixed(1), width: ((to - from) * UNITS).toFixed(1) });
    });
  }

  #rank(items, now) {
    this.#rankedAt = now;
    if (!this.#list) return;
    const order = rank(items).map(({ id }) => this.#rows.get(id));
    const rest = [...this.#rows.values()].filter((row) => !order.includes(row));
    const wanted = [...order, ...rest].filter(Boolean);
    if (wanted.some((row, at) => this.#list.children[at] !== row)) this.#list.append(...wanted);
  }
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
