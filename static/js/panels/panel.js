// What every panel is: a part of the page that is mounted, told what has changed, drawn, and taken away again.

import { figure } from '../charts/figures.js';
import { readPalette } from '../charts/palette.js';
import { setBadge } from './badge.js';
import { Cells } from './cells.js';
import { capital, headOf } from './vital.js';

/** @typedef {import('./types.js').Config} Config @typedef {import('./types.js').Context} Context */

export class Panel {
  #badge;
  #palette = null;
  #vitals = new Map();
  #listening = new AbortController();

  /** @param {HTMLElement} el as the server rendered it @param {Config} config @param {Context} ctx */
  constructor(el, config, ctx) {
    this.el = el;
    this.config = config;
    this.ctx = ctx;
    this.cells = new Cells(el);
    this.#badge = el.querySelector('.panel__badge');
    this.sources = [...new Set(config.series.map((id) => ctx.series(id)?.src).filter((src) => src !== undefined))];
  }

  /** @param {Set<number>} dirty ids of series that have changed @returns {boolean} whether there is anything to draw */
  update(dirty) {
    return this.config.series.some((id) => dirty.has(id));
  }

  /** Time has passed, though nothing may have come. */
  tick() {}

  /** Brings the panel up to date, whole. @param {number} _now monotonic ms */
  draw(_now) {
    this.drawHead();
  }

  /** Its box has another size. */
  resize() {}

  /** Theme, palette or staleness has changed the colours. */
  restyle() {
    this.#palette = null;
  }

  destroy() {
    this.#listening.abort();
  }

  /** @returns {import('../charts/palette.js').Palette} */
  get palette() {
    this.#palette ??= readPalette(this.el);
    return this.#palette;
  }

  /** @param {EventTarget} target @param {string} event @param {(event: any) => void} fn until the panel goes */
  listen(target, event, fn) {
    target.addEventListener(event, fn, { signal: this.#listening.signal });
  }

  /** What is not fresh says so in the head, and a panel of which nothing is fresh loses its colours. */
  drawHead() {
    for (const src of this.sources) this.#vitals.set(src, this.ctx.vital(src));
    const { stale, badge } = headOf([...this.#vitals.values()]);
    if (this.#badge) {
      // Unlike `hidden` it costs no style while it stays as it is.
      this.#badge.toggleAttribute('hidden', badge === null);
      const framed = badge !== null && badge.framed && this.el.classList.contains('tall');
      setBadge(this.#badge, badge && { ...badge, text: framed ? capital(badge.text) : badge.text }, !framed);
    }
    if (this.el.classList.contains('is-stale') === stale) return;
    this.el.classList.toggle('is-stale', stale);
    this.restyle();
  }

  /** @param {number} src @returns {import('./vital.js').Vital} as it was when the head was drawn */
  vital(src) {
    return this.#vitals.get(src) ?? this.ctx.vital(src);
  }

  /** @returns {number} px by which the figures that stand over a chart reach into it */
  get overlap() {
    const [hero, chart] = ['.hero', '.chart'].map((name) => this.el.querySelector(name)?.getBoundingClientRect());
    return hero && chart ? Math.max(0, hero.bottom - chart.top) : 0;
  }

  /** A title that still says the old value would be quietly wrong. @param {number} id @param {number | string | null} [value] */
  entitle(id, value) {
    const { last, unit, decimals } = this.ctx.series(id);
    const shown = value === undefined ? last : value;
    const title = `${typeof shown === 'string' ? shown : figure(shown, decimals)} ${unit}`.trim();
    for (const cell of this.cells.of(id, 'last')) if (cell.title) cell.title = title;
  }

  /** @param {number} id @returns {number | null} what the series stood at when the window began */
  first(id) {
    return this.ctx.firstSince(id, this.ctx.end() - this.ctx.window());
  }
}
