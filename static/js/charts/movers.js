// Turns latest values into the bars of a ranking, all from one zero.

/** A little air at the end of the longest bar. */
const FULL = 0.98;
const HALF = 0.48;

/**
 * @template {{value: number | null}} T
 * @param {T[]} items
 * @returns {T[]} those with a value, the greatest first; equal ones keep their order, so bars do not trade places for nothing
 */
export const rank = (items) => items.filter((item) => Number.isFinite(item.value)).sort((a, b) => b.value - a.value);

/**
 * @param {(number | null)[]} values
 * @param {{min?: number, max?: number, signed?: boolean}} options  signed: zero stands in the middle, and equal lengths mean equal amounts
 *   either way; else bars begin at `min`, 0 unless said otherwise
 * @returns {{from: number, to: number}[]} in shares of the width, 0 to 1
 */
export function barShapes(values, { min = 0, max, signed = false } = {}) {
  const known = values.filter((value) => Number.isFinite(value));
  const least = signed ? 0 : min;
  const most = signed ? Math.max(...known.map(Math.abs), 0) : max ?? Math.max(...known, least);
  return values.map((value) => {
    const part = Number.isFinite(value) ? Math.min(1, Math.max(-1, (value - least) / (most - least || 1))) : 0;
    if (!signed) return { from: 0, to: Math.max(0, part) * FULL };
    return part < 0 ? { from: 0.5 + part * HALF, to: 0.5 } : { from: 0.5, to: 0.5 + part * HALF };
  });
}
