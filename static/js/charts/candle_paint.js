// Paints what stands around the candles: grid, prices, volume, highest and lowest, the last price and the time its candle has left.

import { countdown } from './ages.js';
import { figure } from './figures.js';
import { LANE, paintGaps } from './gap_paint.js';
import { timeTicks, valueTicks } from './ticks.js';

export const EDGE = 12;
export const VOLUME_SHARE = 0.2;
const TAG = 20;

/**
 * @typedef {object} Scene  what is painted, in CSS pixels of the plot
 * @property {number} width
 * @property {number} height
 * @property {number} top      px that the figures over the chart take
 * @property {number} right    width of the price axis
 * @property {number} plot     width of the plot, the axis left out
 * @property {import('./candle_slots.js').Slot[]} slots  the visible ones
 * @property {(time: number) => number} x   px of a moment
 * @property {(price: number) => number | null} y
 * @property {(y: number) => number | null} price
 * @property {number} spacing  px of a slot
 * @property {import('./gap_bands.js').Band[]} bands
 * @property {number} decimals
 * @property {number | null} left  ms the forming candle has left; null: it does not form, nothing is known of now
 * @property {number} step
 * @property {import('./ages.js').Zone} zone
 * @property {import('./palette.js').Palette} palette
 * @property {number} ratio
 */

/** Behind the candles. @param {CanvasRenderingContext2D} pen @param {Scene} scene */
export function paintGround(pen, scene) {
  const { width, height, palette, y } = scene;
  pen.strokeStyle = palette.grid;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const price of prices(scene).ticks) {
    const at = Math.round(y(price)) + 0.5;
    pen.moveTo(0, at);
    pen.lineTo(width, at);
  }
  pen.stroke();
  paintVolume(pen, scene);
  const lane = LANE * palette.scale;
  pen.save();
  pen.translate(0, scene.top);
  paintGaps(pen, scene.bands, { x: scene.x, width, height: height - scene.top, lane, palette, ratio: scene.ratio });
  pen.restore();
}

/** The prices the axis names. @param {Scene} scene */
function prices({ price, height, top, palette, decimals }) {
  const high = price(top + (LANE + 4) * palette.scale);
  const low = price(height - height * VOLUME_SHARE);
  if (high === null || low === null) return { ticks: [], decimals };
  const found = valueTicks(low, high, height / (72 * palette.scale), decimals);
  return { ticks: found.ticks, decimals: Math.max(decimals, found.decimals) };
}

function paintVolume(pen, { slots, x, spacing, height, palette, left, step }) {
  const most = Math.max(0, ...slots.map(({ candle }) => candle?.volume ?? 0));
  if (most === 0) return;
  const room = height * VOLUME_SHARE - 4;
  const wide = Math.max(1, Math.min(3, Math.floor(spacing * 0.3))) * palette.scale;
  pen.fillStyle = pen.strokeStyle = palette.bar;
  pen.lineWidth = 1;
  slots.forEach(({ time, candle }, at) => {
    if (!candle?.volume) return;
    const tall = Math.max(1, Math.round((candle.volume / most) * room));
    const begin = Math.round(x(time + step / 2) - wide / 2);
    if (at === slots.length - 1 && left !== null) pen.strokeRect(begin + 0.5, height - tall + 0.5, Math.max(1, wide - 1), tall - 1);
    else pen.fillRect(begin, height - tall, wide, tall);
  });
}

/** Over the candles. @param {CanvasRenderingContext2D} pen @param {Scene} scene */
export function paintExtremes(pen, { slots, x, y, width, palette, decimals, step }) {
  const traded = slots.filter(({ candle }) => candle);
  if (traded.length < 2) return;
  pen.font = palette.font;
  pen.fillStyle = palette.ink2;
  pen.textAlign = 'center';
  for (const [name, away, better] of [['high', -4, (a, b) => a > b], ['low', 4, (a, b) => a < b]]) {
    const best = traded.reduce((found, slot) => (better(slot.candle[name], found.candle[name]) ? slot : found));
    const text = figure(best.candle[name], decimals);
    const half = pen.measureText(text).width / 2 + 4;
    pen.textBaseline = name === 'high' ? 'bottom' : 'top';
    pen.fillText(text, Math.min(Math.max(x(best.time + step / 2), half), width - half), y(best.candle[name]) + away * palette.scale);
  }
}

/** On the time axis. @param {CanvasRenderingContext2D} pen @param {Scene} scene */
export function paintTimes(pen, { slots, x, step, zone, palette, plot }) {
  const [from, to] = [slots[0].time, slots.at(-1).time];
  const width = x(to) - x(from);
  const found = timeTicks(from, to, width / (80 * palette.scale), zone.offset(to));
  pen.font = palette.font;
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  pen.lineWidth = 1;
  pen.fillStyle = palette.muted;
  pen.strokeStyle = palette.line;
  pen.beginPath();
  for (const time of found.ticks) {
    if (time % step) continue;
    const at = x(time + step / 2);
    // The last label would run into the link in the corner.
    if (at < 24 * palette.scale || at > plot - 44 * palette.scale) continue;
    pen.moveTo(Math.round(at) + 0.5, 0);
    pen.lineTo(Math.round(at) + 0.5, 4 * palette.scale);
    pen.fillText(found.step % 60_000 ? zone.hms(time) : zone.hm(time), at, 8 * palette.scale);
  }
  pen.stroke();
}

/** On the price axis. @param {CanvasRenderingContext2D} pen @param {Scene} scene */
export function paintPrices(pen, scene) {
  const { right, palette, y, height } = scene;
  const last = scene.slots.findLast(({ candle }) => candle)?.candle;
  const at = last ? y(last.close) : null;
  const tag = (TAG / 2) * palette.scale;
  const foot = scene.left === null ? tag : tag + 16 * palette.scale;
  pen.font = palette.font;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  pen.fillStyle = palette.muted;
  const { ticks, decimals } = prices(scene);
  for (const price of ticks) {
    const label = y(price);
    const covered = at !== null && label > at - tag - 6 && label < at + foot + 6;
    if (!covered) pen.fillText(figure(price, decimals), right - EDGE * palette.scale, label);
  }
  if (at === null) return;
  const middle = Math.min(Math.max(at, tag), height - tag);
  pen.fillStyle = last.close >= last.open ? palette.up : palette.down;
  pen.fillRect(4 * palette.scale, Math.round(middle - tag), right, tag * 2);
  pen.fillStyle = palette.paper;
  pen.font = `600 ${palette.font}`;
  pen.fillText(figure(last.close, scene.decimals), right - EDGE * palette.scale, middle);
  if (scene.left === null) return;
  pen.font = palette.font;
  pen.fillStyle = palette.ink2;
  pen.fillText(countdown(scene.left), right - EDGE * palette.scale, middle + tag + 8 * palette.scale);
}
