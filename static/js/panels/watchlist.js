// Shows many series as rows: value, change, sparkline, and an age where one is due; sortable by every head.

import { age } from '../charts/ages.js';
import { setBadge } from './badge.js';
import { Panel } from './panel.js';
import { Quotes } from './quotes.js';
import { Sparks } from './sparks.js';
import { Sweep } from './sweep.js';
import { nextOrder, ordered } from './watch_order.js';

/** Rows that trade places faster than this cannot be read. */
const SORT_EVERY_MS = 2_000;
/** Rows out of sight that are brought up to date with each drawing. */
const UNSEEN = 12;

export class WatchlistPanel extends Panel {
  #sweep = new Sweep();
  #quotes = new Quotes(this, this.#sweep);
  #sparks = new Sparks(this);
  #body;
  /** @type {{id: number, el: HTMLElement, place: number, seen: boolean, symbol: string, name: string, age: number | null, last: any, change: number | null, pct: number | null}[]} */
  #rows;
  #order = null;
  #sortedAt = -Infinity;
  #dirty = new Set();
  #next = 0;
  #eyes = new IntersectionObserver((seen) => this.#look(seen));

  constructor(el, config, ctx) {
    super(el, config, ctx);
    this.#body = el.querySelector('tbody');
    this.#rows = [...(this.#body?.querySelectorAll('tr[data-series]') ?? [])].map((row, place) => ({
      id: Number(row.dataset.series), el: row, place, seen: false, symbol: row.querySelector('.sym')?.firstChild?.textContent?.trim() ?? '', name: ctx.series(Number(row.dataset.series))?.label ?? '',
      age: null, last: null, change: null, pct: null,
    }));
    for (const { id, el: row } of this.#rows) {
      this.#dirty.add(id);
      this.#eyes.observe(row);
    }
    for (const button of el.querySelectorAll('button[data-sort]')) this.listen(button, 'click', () => this.#sortBy(button.dataset.sort));
  }

  update(dirty) {
    let any = false;
    for (const { id } of this.#rows) {
      if (!dirty.has(id)) continue;
      this.#dirty.add(id);
      any = true;
    }
    return any;
  }

  draw(now) {
    this.drawHead();
    for (const row of this.#rows) if (row.seen) this.#show(row, now);
    // Somebody may listen to the others or search them: they are kept true as well, but in turns.
    for (let count = Math.min(UNSEEN, this.#rows.length); count > 0; count -= 1) {
      this.#next = (this.#next + 1) % this.#rows.length;
      if (!this.#rows[this.#next].seen) this.#write(this.#rows[this.#next]);
    }
    if (this.#order && now - this.#sortedAt >= SORT_EVERY_MS) this.#sort(now);
  }

  /** Time has passed: the first value of the window has moved on, also for rows without a tick. */
  tick() {
    for (const { id } of this.#rows) this.#dirty.add(id);
  }

  resize() {
    this.#sparks.resize();
  }

  restyle() {
    super.restyle();
    this.#sparks?.renew();
    // The page may have stopped, and a light would say the opposite.
    this.#sweep?.clear();
  }

  destroy() {
    super.destroy();
    this.#eyes.disconnect();
  }

  // A row that comes into view is true before anybody can read it.
  #look(seen) {
    const rows = new Map(this.#rows.map((row) => [row.el, row]));
    for (const { target, isIntersecting } of seen) {
      const row = rows.get(target);
      row.seen = isIntersecting;
      if (isIntersecting) this.#show(row, performance.now());
    }
  }

  #show(row, now) {
    this.#write(row);
    this.#sparks.draw(row.id, now);
  }

  #write(row) {
    if (this.#dirty.delete(row.id)) this.#quotes.write(row.id);
    this.#writeAge(row);
  }

  #writeAge(row) {
    const { src } = this.ctx.series(row.id);
    const { level, shape, word, age: ms } = this.vital(src);
    const due = level === 'late' || level === 'stale';
    row.age = due ? (ms ?? Infinity) : null;
    const text = ms === null ? word : age(ms);
    for (const cell of this.cells.of(row.id, 'age')) setBadge(cell, due ? { shape, text, spoken: ms === null ? '' : word } : null, true);
    if (row.el.classList.contains('is-stale') !== (level === 'stale')) row.el.classList.toggle('is-stale', level === 'stale');
  }

  #sortBy(key) {
    this.#order = nextOrder(this.#order, key);
    for (const head of this.el.querySelectorAll('th[aria-sort], th:has(button[data-sort])')) {
      const mine = head.querySelector('button')?.dataset.sort === this.#order?.key;
      head.setAttribute('aria-sort', mine ? this.#order.direction : 'none');
    }
    this.#sort(-Infinity);
    this.ctx.say(this.#order ? `Sorted by ${key}, ${this.#order.direction}` : 'Sorted as set up');
  }

  #sort(now) {
    this.#sortedAt = now;
    for (const row of this.#rows) {
      const { value, change, percent } = this.#quotes.read(row.id);
      Object.assign(row, { last: value, change, pct: percent });
    }
    const rows = ordered(this.#rows, this.#order);
    this.#body.classList.toggle('is-sorted', this.#order !== null);
    if (rows.some(({ el }, at) => this.#body.children[at] !== el)) this.#body.append(...rows.map(({ el }) => el));
  }
}
