// Draws lines over a window of time that moves with the server's clock: uPlot gives axes and crosshair, rows and gaps are ours.

import { Columns } from './columns.js';
import { figure, signed } from './figures.js';
import { LANE, paintGaps, paintSilence } from './gap_paint.js';
import { lineExtent, traceLine } from './line_path.js';
import { timeTicks, valueRange, valueTicks } from './ticks.js';
import uPlot from './uplot.js';

const EDGE = 12;
const FOOT = 20;
const TOP = LANE + 4;

/**
 * @typedef {object} Line
 * @property {import('./columns.js').Rows | null} view
 * @property {(value: number) => number} value   what is drawn for a value; a share of the first one where the scale is percent
 * @property {readonly import('./line_path.js').Span[]} breaks
 * @property {number | null} silent   ms since which its source is silent
 */

/**
 * @typedef {object} Picture  what is drawn; the chart asks for nothing else
 * @property {number} from  ms
 * @property {number} to    ms
 * @property {number} known ms up to which anything is known; after that the viewer is cut off or has paused
 * @property {Line[]} lines
 * @property {import('./gap_bands.js').Band[]} bands
 * @property {import('./palette.js').Palette} palette
 */

export class LineChart {
  #host;
  #options;
  #plot = null;
  /** @type {Picture | null} */
  #picture = null;
  #range = [0, 1];
  /** @type {Columns[]} of each line, one device pixel wide */
  #columns = [];
  #step = 0;
  /** @type {number[][]} what uPlot holds: the ends of the window; the rows are drawn straight from the columns */
  #frame = [];

  /**
   * @param {HTMLElement} host a sized box
   * @param {{count: number, scale: 'value' | 'percent', min?: number, max?: number, decimals?: number, group: string, zone: import('./ages.js').Zone,
   *   top: number, onCursor: (time: number | null) => void}} options  group: charts with the same name share a crosshair; top: px that figures over the chart take
   */
  constructor(host, options) {
    this.#host = host;
    this.#options = options;
  }

  /** @param {Picture} picture */
  draw(picture) {
    this.#picture = this.#fold(picture);
    this.#range = this.#extent();
    // At once, not in a microtask of the library's: what a panel costs must show in the frame it is drawn in.
    if (this.#plot) this.#plot.batch(() => this.#plot.setData(this.#frame));
    else this.#make();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (this.#plot && width > 0 && height > 0 && (width !== this.#plot.width || height !== this.#plot.height)) this.#plot.setSize({ width, height });
  }

  /** The theme has changed, and with it the size of letters, which the axes were laid out for. */
  restyle() {
    this.destroy();
  }

  /** Moves the crosshair by keyboard. @param {number} step px */
  nudge(step) {
    const { over, cursor } = this.#plot ?? {};
    if (!over) return;
    const left = cursor.left >= 0 ? cursor.left + step : over.clientWidth - 1;
    this.#plot.setCursor({ left: Math.min(Math.max(left, 0), over.clientWidth - 1), top: over.clientHeight / 2 });
  }

  leave() {
    this.#plot?.setCursor({ left: -10, top: -10 });
  }

  destroy() {
    this.#plot?.destroy();
    this.#plot = null;
  }

  // The window moves by whole pixels: a line that creeps by fractions of one shimmers, and each column would be another one in each frame.
  #fold(picture) {
    const { lines } = picture;
    const span = picture.to - picture.from;
    const pixels = Math.max(1, this.#plot?.bbox.width ?? Math.round(this.#host.clientWidth * devicePixelRatio));
    this.#step = span / pixels;
    const to = Math.ceil(picture.to / this.#step) * this.#step;
    const from = to - span;
    lines.forEach(({ view }, at) => (this.#columns[at] ??= new Columns()).take(view, this.#step, from));
    if (this.#frame.length !== lines.length + 1) this.#frame = [[], ...lines.map(() => [null, null])];
    this.#frame[0] = [from, to];
    return { ...picture, from, to, now: picture.to };
  }

  #extent() {
    let low = Infinity;
    let high = -Infinity;
    this.#picture.lines.forEach(({ value }, at) => {
      const columns = this.#columns[at];
      const [least, most] = lineExtent(columns, columns.start, this.#end(columns)).map(value);
      if (least < low) low = least;
      if (most > high) high = most;
    });
    return valueRange(low, high, this.#options);
  }

  // While the page is held, rows may have come that are newer than what it shows.
  #end(columns) {
    let { end } = columns;
    while (end > columns.start && columns.first[end - 1] > this.#picture.now) end -= 1;
    return end;
  }

  #make() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width === 0 || height === 0) return;
    const { palette, lines } = this.#picture;
    const { scale } = palette;
    const options = {
      width, height, padding: [TOP * scale + this.#options.top, 0, 0, 0], legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false }, sync: { key: this.#options.group, scales: ['x', null] } },
      scales: {
        x: { time: false, range: () => [this.#picture.from, this.#picture.to] },
        y: { range: (plot) => this.#padded(plot) },
      },
      axes: [this.#timeAxis(scale), this.#valueAxis(scale)],
      series: [{}, ...lines.map((_, at) => this.#series(at))],
      hooks: { drawAxes: [(plot) => this.#paintGaps(plot)], draw: [(plot) => this.#paintSilences(plot)], setCursor: [(plot) => this.#cursor(plot)] },
    };
    this.#host.replaceChildren();
    this.#plot = new uPlot(options, this.#frame, this.#host);
    this.#plot.root.setAttribute('aria-hidden', 'true');
  }

  #series(at) {
    const style = () => this.#picture.palette.series[at % this.#picture.palette.series.length];
    return {
      auto: false, points: { show: false }, stroke: () => style().color, dash: style().dash.map((part) => part * devicePixelRatio),
      width: this.#picture.palette.stroke, paths: (plot) => this.#path(plot, this.#picture.lines[at], this.#columns[at]),
    };
  }

  #path({ bbox, scales }, { value, breaks }, columns) {
    const stroke = new Path2D();
    const begin = Math.round(this.#picture.from / this.#step);
    const { min, max } = scales.y;
    const foot = bbox.top + bbox.height;
    const x = (time) => bbox.left + Math.floor(time / this.#step) - begin + 0.5;
    const y = (height) => foot - ((value(height) - min) / (max - min)) * bbox.height;
    traceLine(stroke, columns, columns.start, this.#end(columns), x, y, breaks);
    return { stroke, fill: null, clip: null, band: null, gaps: null, flags: 0 };
  }

  #padded(plot) {
    const [low, high] = this.#range;
    const { min, max } = this.#options;
    const height = plot.bbox ? plot.bbox.height / devicePixelRatio : 100;
    const room = ((high - low) * 6) / Math.max(24, height - 12);
    return [low === min ? low : low - room, high === max ? high : high + room];
  }

  #timeAxis(scale) {
    const { zone } = this.#options;
    let step = 0;
    return {
      side: 2, size: FOOT * scale, gap: 4 * scale, font: this.#picture.palette.font, stroke: () => this.#picture.palette.muted, grid: { show: false },
      ticks: { stroke: () => this.#picture.palette.line, size: 4 * scale, width: 1 }, border: { show: true, stroke: () => this.#picture.palette.line, width: 1 },
      splits: (plot, _axis, from, to) => {
        const width = plot.bbox.width / devicePixelRatio;
        const room = ((to - from) / Math.max(1, width)) * 20 * scale;
        const found = timeTicks(from, to, width / (80 * scale), zone.offset(to));
        step = found.step;
        return found.ticks.filter((tick) => tick > from + room && tick < to - room);
      },
      values: (_plot, splits) => splits.map((tick) => (step % 60_000 ? zone.hms(tick) : zone.hm(tick))),
    };
  }

  #valueAxis(scale) {
    let decimals = 0;
    let widest = 0;
    const write = this.#options.scale === 'percent' ? signed : figure;
    const letter = 6.6 * scale;
    return {
      scale: 'y', side: 1, font: this.#picture.palette.font, stroke: () => this.#picture.palette.muted, ticks: { show: false, size: 0 },
      grid: { stroke: () => this.#picture.palette.grid, width: 1 },
      splits: (plot, _axis, low, high) => {
        const found = valueTicks(low, high, Math.max(2, plot.bbox.height / devicePixelRatio / (28 * scale)), this.#options.decimals);
        decimals = found.decimals;
        return found.ticks;
      },
      values: (_plot, splits) => splits.map((tick) => short(tick, decimals, write)),
      // It may grow, but it does not shrink: a plot whose edge moves to and fro cannot be read.
      size: (_plot, labels) => {
        for (const label of labels ?? []) widest = Math.max(widest, label.length);
        return Math.max(44 * scale, EDGE * scale + 8 + widest * letter);
      },
      // Written to the right, so that the digits stand under each other 12 px from the edge of the panel.
      align: 2, alignTo: 2, gap: EDGE * scale,
    };
  }

  #paintGaps(plot) {
    const { bands, palette } = this.#picture;
    const { ctx: pen, bbox } = plot;
    const ratio = devicePixelRatio;
    const lane = LANE * palette.scale;
    pen.save();
    pen.scale(ratio, ratio);
    const top = bbox.top / ratio - lane - 4;
    pen.translate(bbox.left / ratio, top);
    const height = (bbox.top + bbox.height) / ratio - top;
    paintGaps(pen, bands, { x: (time) => plot.valToPos(time, 'x'), width: bbox.width / ratio, height, lane, palette, ratio });
    pen.restore();
  }

  #paintSilences(plot) {
    const { lines, known, to, palette } = this.#picture;
    const { ctx: pen, bbox } = plot;
    for (const { view, value, silent } of lines) {
      if (silent === null || !view?.length) continue;
      pen.save();
      pen.scale(devicePixelRatio, devicePixelRatio);
      pen.translate(bbox.left / devicePixelRatio, bbox.top / devicePixelRatio);
      const y = plot.valToPos(value(view.last[view.length - 1]), 'y');
      paintSilence(pen, Math.max(0, plot.valToPos(silent, 'x')), plot.valToPos(Math.min(known, to), 'x'), y, palette);
      pen.restore();
    }
  }

  #cursor(plot) {
    const { left } = plot.cursor;
    this.#options.onCursor(left >= 0 ? plot.posToVal(left, 'x') : null);
  }
}

function short(value, decimals, write) {
  for (const [size, letter] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (Math.abs(value) < size) continue;
    const unit = letter === 'k' ? 1e3 : size;
    return `${write(value / unit, Number.isInteger(value / unit) ? 0 : 1)} ${letter}`;
  }
  return write(value, decimals);
}
