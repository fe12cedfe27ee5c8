// Shows one series as candles, with the figures of the one that forms.

import { CandleChart } from '../charts/candle_chart.js';
import { amount, compact, figure } from '../charts/figures.js';
import { fold, stepFor } from '../charts/fold.js';
import { stepWords } from './words.js';
import { gapBands } from '../charts/gap_bands.js';
import { lowerBound } from '../charts/spark_shape.js';
import { Panel } from './panel.js';
import { Quotes } from './quotes.js';

/** Fewer candles than this are no picture, and more are no candles: then the step is another than was wished. */
const FEWEST = 24;
const MOST = 200;

export class CandlesPanel extends Panel {
  #quotes = new Quotes(this);
  #chart;
  #sub;
  #top;
  /** @type {import('../charts/fold.js').Candle[]} */
  #candles = [];
  #pointed = null;
  #subText;

  constructor(el, config, ctx) {
    super(el, config, ctx);
    this.#top = this.overlap;
    this.#sub = el.querySelector('.panel__sub');
    this.#subText = this.#sub?.textContent ?? '';
    this.#chart = new CandleChart(el.querySelector('.chart'), { zone: ctx.zone, group: ctx.group, onCursor: (time) => this.#point(time) });
  }

  draw() {
    this.drawHead();
    const { ctx } = this;
    const [id] = this.config.series;
    const series = ctx.series(id);
    this.#quotes.write(id);
    const step = this.#step();
    const to = ctx.end();
    const from = Math.floor((to - ctx.window()) / step) * step + step;
    const view = ctx.view(id);
    const candles = view ? fold(view, step, lowerBound(view.time, view.length, from)) : [];
    this.#candles = candles;
    this.#writeFigures();
    const forms = Math.floor(to / step) * step;
    const bands = gapBands([{ name: '', gaps: ctx.gaps(series.src) }], from, to, (time) => ctx.zone.hms(time));
    this.#chart.draw({
      from, to, step, candles, bands, decimals: series.decimals ?? 2, palette: this.palette, top: this.#top,
      left: ctx.mode() === 'live' && candles.at(-1)?.time === forms ? forms + step - to : null,
    });
  }

  resize() {
    this.#top = this.overlap;
    this.#chart?.resize();
  }

  destroy() {
    super.destroy();
    this.#chart.destroy();
  }

  #step() {
    const seconds = this.ctx.window() / 1000;
    const wished = stepFor(this.config.options.resolution, seconds);
    const count = this.ctx.window() / wished;
    const step = count >= FEWEST && count <= MOST ? wished : stepFor(undefined, seconds);
    const words = this.#subText.replace(/\b[\d.]+ [smh] candles/, `${stepWords(step)} candles`);
    if (this.#sub && this.#sub.textContent !== words) this.#sub.textContent = words;
    return step;
  }

  #point(time) {
    if (time === this.#pointed) return;
    this.#pointed = time;
    this.#writeFigures();
  }

  // Of the candle under the crosshair, else of the one that forms.
  #writeFigures() {
    const [id] = this.config.series;
    const series = this.ctx.series(id);
    const candle = this.#pointed === null ? this.#candles.at(-1) : this.#candles.find(({ time }) => time === this.#pointed);
    for (const name of ['open', 'high', 'low', 'close']) this.cells.write(id, name, amount(candle?.[name] ?? null, series));
    for (const cell of this.cells.of(id, 'volume')) {
      this.cells.put(cell, compact(candle?.volume ?? null));
      const whole = figure(candle?.volume ?? null, null);
      if (cell.title !== whole) cell.title = whole;
    }
  }
}
