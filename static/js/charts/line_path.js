// Traces the rows of a series as a line: spikes inside merged rows are kept, gaps are left open.

/** @typedef {{from: number, to: number | null}} Span  ms; null: still open */

/**
 * A line is broken between two neighbouring rows when a gap begins between them, or when most of it lies between them: the ends of a gap
 * are known to the server's flush only, so a row may stand a little inside one.
 * @param {number} before ms @param {number} after ms @param {readonly Span[]} breaks
 */
export function broken(before, after, breaks) {
  for (const { from, to } of breaks) {
    if (from >= after) continue;
    const end = to ?? Infinity;
    if (before <= from && (end > before || end === from)) return true;
    if (Math.min(end, after) - Math.max(from, before) > (end - from) / 2) return true;
  }
  return false;
}

/**
 * @param {{moveTo(x: number, y: number): void, lineTo(x: number, y: number): void}} pen
 * @param {{time: ArrayLike<number>, first?: ArrayLike<number>, last: ArrayLike<number>, high: ArrayLike<number>, low: ArrayLike<number>}} view  first: moment of
 *   the oldest row that a column holds, `time` being that of the newest
 * @param {number} begin @param {number} end columns to draw, by index
 * @param {(time: number) => number} x px @param {(value: number) => number} y px @param {readonly Span[]} breaks
 */
export function traceLine(pen, view, begin, end, x, y, breaks) {
  const { time, first = time, last, high, low } = view;
  let column = NaN;
  let top = 0;
  let bottom = 0;
  let close = 0;
  let before = NaN;
  // What shares a half pixel becomes one stroke from the lowest to the highest, ending where the newest stands.
  const finish = () => {
    if (Number.isNaN(column)) return;
    if (top !== bottom) {
      pen.lineTo(column, bottom);
      pen.lineTo(column, top);
    }
    pen.lineTo(column, close);
  };
  for (let i = begin; i < end; i += 1) {
    const at = Math.round(x(time[i]) * 2) / 2;
    const start = Number.isNaN(before) || (breaks.length > 0 && broken(before, first[i], breaks));
    before = time[i];
    if (start || at !== column) {
      finish();
      if (start) pen.moveTo(at, y(last[i]));
      column = at;
      top = y(high[i]);
      bottom = y(low[i]);
    } else {
      top = Math.min(top, y(high[i]));
      bottom = Math.max(bottom, y(low[i]));
    }
    close = y(last[i]);
  }
  finish();
}

/** @returns {[number, number]} lowest and highest value of the columns; Infinity, -Infinity when there are none */
export function lineExtent({ high, low }, begin, end) {
  let least = Infinity;
  let most = -Infinity;
  for (let i = begin; i < end; i += 1) {
    if (low[i] < least) least = low[i];
    if (high[i] > most) most = high[i];
  }
  return [least, most];
}
