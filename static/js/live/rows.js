// Turns the columns of a frame into a verdict: are they whole, and how many ticks do they stand for.

/**
 * One row is one tick, or several ticks of one series merged. Rows are columns, all of the same length, in the order of seq.
 * @typedef {object} Rows
 * @property {number[]} i   series ids
 * @property {number} t0    ms, server time
 * @property {number[]} t   ms since t0; of a merged row, its last tick
 * @property {(number | string)[]} v   last values
 * @property {(number | null)[]} [q]   volumes, where the series has one
 * @property {number[]} [k]            ticks in the row; absent = 1 each
 * @property {(number | null)[]} [o]   open, high, low: with `k` only; null for text
 * @property {(number | null)[]} [h]
 * @property {(number | null)[]} [l]
 */

/** @type {Rows} */
export const NO_ROWS = Object.freeze({ i: [], t0: 0, t: [], v: [] });

const isCount = (x) => Number.isSafeInteger(x) && x >= 1;
const isValue = (x) => typeof x === 'string' || Number.isFinite(x);
const isNumberOrNull = (x) => x === null || Number.isFinite(x);

function isColumn(column, length, check) {
  if (!Array.isArray(column) || column.length !== length) return false;
  for (let r = 0; r < length; r += 1) if (!check(column[r])) return false;
  return true;
}

// A merged number must say how far it swung; text has no open, high and low.
function isSwing(column, rows) {
  if (!isColumn(column, rows.i.length, isNumberOrNull)) return false;
  for (let r = 0; r < column.length; r += 1) if (column[r] === null && typeof rows.v[r] === 'number') return false;
  return true;
}

/**
 * @param {any} rows
 * @returns {string | null} the name of the first column that is wrong, or null when all is well
 */
export function wrongColumn(rows) {
  if (typeof rows !== 'object' || rows === null) return 'rows';
  if (!Array.isArray(rows.i)) return 'i';
  const length = rows.i.length;
  if (!isColumn(rows.i, length, Number.isSafeInteger)) return 'i';
  if (!Number.isFinite(rows.t0)) return 't0';
  if (!isColumn(rows.t, length, Number.isFinite)) return 't';
  if (!isColumn(rows.v, length, isValue)) return 'v';
  if (rows.q !== undefined && !isColumn(rows.q, length, isNumberOrNull)) return 'q';
  if (rows.k === undefined) return null;
  if (!isColumn(rows.k, length, isCount)) return 'k';
  for (const name of ['o', 'h', 'l']) if (!isSwing(rows[name], rows)) return name;
  return null;
}

/** @param {Rows} rows @returns {number} ticks the rows stand for */
export function countTicks(rows) {
  if (!rows.k) return rows.i.length;
  let sum = 0;
  for (let r = 0; r < rows.k.length; r += 1) sum += rows.k[r];
  return sum;
}
