// Composes what a line chart shows from the series of a panel.

import { breaking, gapBands } from '../charts/gap_bands.js';
import { LineChart } from '../charts/lines.js';

const same = (value) => value;

export class LineView {
  #panel;
  #ids;
  #percent;
  #chart;

  /**
   * @param {import('./panel.js').Panel} panel @param {HTMLElement} host
   * @param {{ids: number[], percent: boolean, min?: number, max?: number, top?: number, onCursor?: (time: number | null) => void}} options
   */
  constructor(panel, host, { ids, percent, min, max, top = 0, onCursor = () => {} }) {
    this.#panel = panel;
    this.#ids = ids;
    this.#percent = percent;
    const { ctx } = panel;
    const decimals = ids.map((id) => ctx.series(id)?.decimals ?? null);
    const finest = percent || decimals.includes(null) ? undefined : Math.max(...decimals);
    host.tabIndex = 0;
    host.setAttribute('role', 'group');
    host.setAttribute('aria-label', 'Chart. The left and right arrow keys move the crosshair; the values stand in the legend.');
    this.#chart = new LineChart(host, { scale: percent ? 'percent' : 'value', min, max, decimals: finest, group: ctx.group, zone: ctx.zone, top, onCursor });
    panel.listen(host, 'keydown', (event) => this.#key(event));
    panel.listen(host, 'blur', () => this.#chart.leave());
  }

  draw() {
    const { ctx, palette, sources } = this.#panel;
    const to = ctx.end();
    const from = to - ctx.window();
    const lists = sources.map((src) => ({ name: ctx.vital(src).name, gaps: ctx.gaps(src) }));
    this.#chart.draw({
      from, to, known: ctx.known(), palette, lines: this.#ids.map((id) => this.#line(id)), bands: gapBands(lists, from, to, (time) => ctx.zone.hms(time)),
    });
  }

  /** @param {number} id @param {number} time ms @returns {number | null} the newest value not after it */
  valueAt(id, time) {
    const view = this.#panel.ctx.view(id);
    if (!view) return null;
    let low = 0;
    let high = view.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (view.time[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? view.last[low - 1] : null;
  }

  resize() {
    this.#chart.resize();
  }

  restyle() {
    this.#chart.restyle();
  }

  destroy() {
    this.#chart.destroy();
  }

  #line(id) {
    const { ctx } = this.#panel;
    const gaps = ctx.gaps(ctx.series(id).src);
    const silent = gaps.find(({ kind, to }) => kind === 'silent' && to === null);
    const base = this.#percent ? this.#panel.first(id) : null;
    return { view: ctx.view(id), breaks: breaking(gaps), silent: silent?.from ?? null, value: base ? (value) => ((value - base) / Math.abs(base)) * 100 : same };
  }

  #key(event) {
    const steps = { ArrowLeft: -8, ArrowRight: 8 };
    if (event.key === 'Escape') return this.#chart.leave();
    if (!Object.hasOwn(steps, event.key) || event.altKey || event.ctrlKey || event.metaKey) return undefined;
    event.preventDefault();
    return this.#chart.nudge(event.shiftKey ? 5 * steps[event.key] : steps[event.key]);
  }
}
