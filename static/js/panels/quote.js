// Turns the rows of a series into the figures a panel shows of it: last, change, and which way it went.

import { amount, signed, wayOf, withSign } from '../charts/figures.js';

/**
 * @typedef {object} Quote
 * @property {number | string | null} value
 * @property {number | null} change   against the first value of the window
 * @property {number | null} percent
 * @property {{last: string, change: string, percent: string}} text
 * @property {'up' | 'down' | 'flat'} way  of the change, as it is shown
 */

/**
 * @param {{last: number | string | null, unit?: string, decimals: number | null}} series
 * @param {number | null} first value of the window; null: not known
 * @returns {Quote}
 */
export function quote(series, first) {
  const { last } = series;
  if (typeof last === 'string') return { value: last, change: null, percent: null, text: { last, change: '–', percent: '–' }, way: 'flat' };
  if (last === null) return { value: null, change: null, percent: null, text: { last: '–', change: '–', percent: '–' }, way: 'flat' };
  const change = first === null ? null : last - first;
  const percent = change === null || first === 0 ? null : (change / Math.abs(first)) * 100;
  const text = { last: amount(last, series), change: withSign(amount(change, series)), percent: signed(percent, 2) };
  return { value: last, change, percent, text, way: wayOf(text.change) };
}
