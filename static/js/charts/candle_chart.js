// Draws candles over a window that moves with the server's clock: lightweight-charts draws the candles, the rest is painted around them.

import { CandlestickSeries, ColorType, CrosshairMode, LineStyle, createChart } from 'lightweight-charts';

import { VOLUME_SHARE, paintExtremes, paintGround, paintPrices, paintTimes } from './candle_paint.js';
import { difference, slots } from './candle_slots.js';
import { Crosshair } from './crosshair.js';
import { figure } from './figures.js';
import { LANE } from './gap_paint.js';
import { rgb } from './palette.js';

const AXIS = 64;

/**
 * @typedef {object} Picture
 * @property {number} from   ms
 * @property {number} to     ms
 * @property {number | null} left  ms the forming candle has left; null: unknown
 * @property {number} step   ms of a candle
 * @property {import('./fold.js').Candle[]} candles
 * @property {import('./gap_bands.js').Band[]} bands
 * @property {number} decimals
 * @property {number} top    px that the figures over the chart take
 * @property {import('./palette.js').Palette} palette
 */

export class CandleChart {
  #host;
  #zone;
  #onCursor;
  #crosshair;
  /** The pointer is over this chart. */
  #pointed = false;
  #chart = null;
  #series = null;
  /** @type {import('./candle_slots.js').Slot[]} what the chart holds */
  #shown = [];
  /** @type {import('./candle_slots.js').Slot[]} what is visible of it */
  #visible = [];
  /** @type {Picture | null} */
  #picture = null;
  #styled = null;
  #layout = '';

  /**
   * @param {HTMLElement} host a sized box
   * @param {{zone: import('./ages.js').Zone, group: string, onCursor: (time: number | null) => void}} options  group: of the charts that share a crosshair
   */
  constructor(host, { zone, group, onCursor }) {
    this.#host = host;
    this.#onCursor = onCursor;
    this.#zone = zone;
    this.#crosshair = new Crosshair(group, (time) => this.#follow(time));
  }

  /** @param {Picture} picture */
  draw(picture) {
    this.#picture = picture;
    if (!this.#chart && !this.#make()) return;
    if (this.#styled !== picture.palette) this.#style();
    this.#feed();
    this.#arrange();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (this.#chart && width > 0 && height > 0) this.#chart.resize(width, height);
    this.#layout = '';
  }

  destroy() {
    this.#crosshair.leave();
    this.#chart?.remove();
    this.#chart = this.#series = this.#styled = null;
    this.#shown = [];
  }

  #make() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width === 0 || height === 0) return false;
    this.#host.replaceChildren();
    this.#chart = createChart(this.#host, {
      width, height, handleScroll: false, handleScale: false,
      // The logo brings a style sheet of its own, which the page's policy forbids; the link in the corner says the same.
      layout: { attributionLogo: false },
      grid: { vertLines: { visible: false }, horzLines: { visible: false } },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false, ticksVisible: false },
      timeScale: { timeVisible: true, shiftVisibleRangeOnNewBar: false, minBarSpacing: 0.5, allowBoldLabels: false, tickMarkFormatter: () => '' },
      localization: { timeFormatter: (time) => this.#zone.hms(time * 1000), priceFormatter: (price) => figure(price, this.#picture.decimals) },
    });
    this.#series = this.#chart.addSeries(CandlestickSeries, { lastValueVisible: false, priceLineStyle: LineStyle.SparseDotted, priceLineWidth: 1 });
    this.#series.attachPrimitive(this.#surroundings());
    this.#chart.subscribeCrosshairMove(({ time, sourceEvent }) => this.#point(time === undefined ? null : time * 1000, Boolean(sourceEvent)));
    this.#chart.chartElement().setAttribute('aria-hidden', 'true');
    return true;
  }

  // Without the pointer's doing the candles have only moved on under a crosshair, which may be another chart's.
  #point(time, moved) {
    if (!moved && !this.#pointed) return;
    this.#pointed = time !== null;
    this.#onCursor(time);
    this.#crosshair.point(time === null ? null : time + this.#picture.step / 2);
  }

  // Another chart is pointed at: the candle of that moment, if there is one.
  #follow(time) {
    if (!this.#chart) return;
    this.#pointed = false;
    const slot = time === null ? undefined : this.#visible.find((each) => each.candle && time >= each.time && time < each.time + this.#picture.step);
    if (slot) this.#chart.setCrosshairPosition(slot.candle.close, slot.time / 1000, this.#series);
    else this.#chart.clearCrosshairPosition();
    this.#onCursor(slot?.time ?? null);
  }

  #style() {
    const { palette } = this.#picture;
    const size = Math.round(11 * palette.scale);
    const [muted, line, up, down, raise] = [palette.muted, palette.line, palette.up, palette.down, palette.raise].map(rgb);
    this.#styled = palette;
    this.#chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: 'rgba(0, 0, 0, 0)' }, textColor: muted, fontSize: size, fontFamily: palette.family },
      // The labels of the axis are painted with the last price, which covers one of them.
      rightPriceScale: { textColor: 'rgba(0, 0, 0, 0)', minimumWidth: AXIS * palette.scale },
      timeScale: { borderColor: line, minimumHeight: Math.round(20 * palette.scale) },
      crosshair: { vertLine: { color: muted, labelBackgroundColor: raise }, horzLine: { color: muted, labelBackgroundColor: raise } },
    });
    this.#series.applyOptions({
      upColor: 'rgba(0, 0, 0, 0)', borderUpColor: up, wickUpColor: up, downColor: down, borderDownColor: down, wickDownColor: down,
    });
  }

  #feed() {
    const { candles, step, from, to, palette } = this.#picture;
    const wanted = slots(candles, step, from, to);
    const changes = difference(this.#shown, wanted, 2 * wanted.length + 2);
    if (changes === null) {
      this.#shown = wanted;
      this.#series.setData(wanted.map(bar));
    } else {
      for (const slot of changes) {
        if (this.#shown.at(-1).time === slot.time) this.#shown.pop();
        this.#shown.push(slot);
        this.#series.update(bar(slot));
      }
    }
    this.#visible = wanted;
    const last = candles.at(-1);
    if (last) this.#series.applyOptions({ priceLineColor: rgb(last.close >= last.open ? palette.up : palette.down) });
  }

  // Each of these makes the chart lay itself out again, so only when something has moved.
  #arrange() {
    const { palette, step, top } = this.#picture;
    const end = this.#shown.length - 1;
    const layout = `${end} ${this.#visible.length} ${step} ${top}`;
    if (layout === this.#layout) return;
    this.#layout = layout;
    const height = Math.max(1, this.#host.clientHeight - 20 * palette.scale);
    const room = (top + (LANE + 20) * palette.scale) / height;
    this.#chart.priceScale('right').applyOptions({ scaleMargins: { top: Math.min(0.6, room), bottom: VOLUME_SHARE + 0.06 } });
    this.#chart.timeScale().setVisibleLogicalRange({ from: end - this.#visible.length + 1, to: end });
  }

  /** Our paint, as a guest of the library: behind the candles, over them, and on both axes. */
  #surroundings() {
    const view = (zOrder, paint) => ({
      zOrder: () => zOrder,
      renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => this.#paint(context, mediaSize, paint)) }),
    });
    const inside = [view('bottom', paintGround), view('top', paintExtremes)];
    const beside = [view('top', paintPrices)];
    const below = [view('bottom', paintTimes)];
    return { paneViews: () => inside, priceAxisPaneViews: () => beside, timeAxisPaneViews: () => below };
  }

  #paint(pen, size, paint) {
    if (!this.#picture || this.#visible.length === 0) return;
    const { step, palette, bands, decimals, left, top } = this.#picture;
    const scale = this.#chart.timeScale();
    const spacing = scale.options().barSpacing;
    const first = this.#shown[0].time;
    const origin = scale.logicalToCoordinate(0) ?? 0;
    pen.save();
    paint(pen, {
      width: size.width, height: size.height, right: size.width, plot: scale.width(), top, slots: this.#visible, spacing, bands, decimals, left, step, palette, zone: this.#zone, ratio: devicePixelRatio,
      x: (time) => origin + ((time - first) / step - 0.5) * spacing,
      y: (price) => this.#series.priceToCoordinate(price),
      price: (y) => this.#series.coordinateToPrice(y),
    });
    pen.restore();
  }
}

const bar = ({ time, candle }) => (candle ? { time: time / 1000, open: candle.open, high: candle.high, low: candle.low, close: candle.close } : { time: time / 1000 });
