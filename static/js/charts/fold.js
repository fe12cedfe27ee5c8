// Folds rows into candles: exact at any resolution that a merge of the server cannot cross.

/**
 * @typedef {object} View  rows in the order of time, as columns of equal length
 * @property {number} length
 * @property {ArrayLike<number>} time    ms
 * @property {ArrayLike<number>} last
 * @property {ArrayLike<number>} open
 * @property {ArrayLike<number>} high
 * @property {ArrayLike<number>} low
 * @property {ArrayLike<number>} volume  NaN where there is none
 * @property {ArrayLike<number>} count   ticks in the row
 */

/**
 * @typedef {object} Candle
 * @property {number} time  ms, start of its span
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} volume
 * @property {number} count   ticks in it
 */

/**
 * A merged row keeps open, high, low, last, volume and count of its ticks and never crosses a whole second, so a candle of a second or
 * more is the same whether its ticks came one by one or merged.
 * @param {View} view
 * @param {number} step ms of a candle @param {number} [first] index of the first row to take
 * @returns {Candle[]} oldest first; spans without a tick have none
 */
export function fold(view, step, first = 0) {
  const { length, time, last, open, high, low, volume, count } = view;
  const candles = [];
  let candle = null;
  for (let i = first; i < length; i += 1) {
    const start = Math.floor(time[i] / step) * step;
    if (candle === null || candle.time !== start) {
      candle = { time: start, open: open[i], high: high[i], low: low[i], close: last[i], volume: 0, count: 0 };
      candles.push(candle);
    }
    if (high[i] > candle.high) candle.high = high[i];
    if (low[i] < candle.low) candle.low = low[i];
    candle.close = last[i];
    if (volume[i] > 0) candle.volume += volume[i];
    candle.count += count[i];
  }
  return candles;
}

/** Steps of a candle, seconds, from which a chart without a wish of its own takes. */
const STEPS = [1, 5, 15, 60];
const CANDLES = 60;

/**
 * @param {unknown} wish seconds of a candle; anything below a second, or no number, means: about sixty candles in the window
 * @param {number} window seconds @returns {number} ms
 */
export function stepFor(wish, window) {
  const step = Math.floor(Number(wish));
  return 1000 * (step >= 1 ? step : STEPS.find((one) => window / one <= CANDLES) ?? STEPS.at(-1));
}
