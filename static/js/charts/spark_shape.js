// Turns the rows of a series into the points of a sparkline.

import { broken } from './line_path.js';

/**
 * @param {{time: ArrayLike<number>, last: ArrayLike<number>, length: number}} view
 * @param {number} from ms @param {number} to ms; rows outside are left out, except the last one before `from`, from which the line comes
 * @param {number} width px @param {number} height px @param {readonly {from: number, to: number}[]} [breaks] spans the line must not cross
 * @returns {{points: number[], starts: number[], end: [number, number] | null}}
 *   points: x, y, x, y …; starts: indices of the points that begin a stroke; end: where the newest value stands
 */
export function sparkShape(view, from, to, width, height, breaks = []) {
  const { time, last, length } = view;
  let first = lowerBound(time, length, from);
  if (first > 0) first -= 1;
  const end = lowerBound(time, length, to + 1);
  const [low, high] = extent(last, first, end);
  const place = scale(low, high, height);
  const points = [];
  const starts = [];
  let column = NaN;
  let before = -Infinity;
  for (let i = first; i < end; i += 1) {
    const x = Math.max(0, ((time[i] - from) / (to - from)) * width);
    const start = before === -Infinity || (breaks.length > 0 && broken(before, time[i], breaks));
    before = time[i];
    // More than two points a pixel cannot be seen: the newest of a half column stands for it.
    const half = Math.round(x * 2);
    if (half === column && !start) points.length -= 2;
    else if (start) starts.push(points.length / 2);
    column = half;
    points.push(x, place(last[i]));
  }
  return { points, starts, end: points.length ? [points.at(-2), points.at(-1)] : null };
}

function extent(values, first, end) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = first; i < end; i += 1) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

// A value that does not move is a line through the middle, not along the edge.
const scale = (low, high, height) => (high > low ? (value) => height * (1 - (value - low) / (high - low)) : () => height / 2);

/** @param {ArrayLike<number>} sorted @param {number} length @param {number} value @returns {number} index of the first entry not below `value` */
export function lowerBound(sorted, length, value) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
