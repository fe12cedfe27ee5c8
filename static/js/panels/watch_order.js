// Turns the wish for an order into the order of a table's rows.

/** @typedef {{id: number, place: number, symbol: string, name: string, age: number | null, last: number | string | null, change: number | null, pct: number | null}} Row  place: as the server had it */

const TEXTS = new Set(['symbol', 'name']);

/** @param {string} key @returns {'ascending' | 'descending'} the end people look for first: names from A, figures from the greatest */
export const firstDirection = (key) => (TEXTS.has(key) ? 'ascending' : 'descending');

/** A click on the same head turns the order round, a third one gives the server's back. @param {{key: string, direction: string} | null} now @param {string} key */
export function nextOrder(now, key) {
  const first = firstDirection(key);
  if (now?.key !== key) return { key, direction: first };
  return now.direction === first ? { key, direction: first === 'ascending' ? 'descending' : 'ascending' } : null;
}

/**
 * @template {Row} T
 * @param {T[]} rows @param {{key: string, direction: string} | null} order @returns {T[]} what has no value comes last in either direction
 */
export function ordered(rows, order) {
  const given = rows.slice().sort((a, b) => a.place - b.place);
  if (!order) return given;
  const { key } = order;
  const sign = order.direction === 'ascending' ? 1 : -1;
  return given.sort((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (missing(x) || missing(y)) return Number(missing(x)) - Number(missing(y));
    if (typeof x === 'number' && typeof y === 'number') return sign * (x - y);
    return sign * String(x).localeCompare(String(y), undefined, { numeric: true, sensitivity: 'base' });
  });
}

const missing = (value) => value === null || value === undefined || Number.isNaN(value);
