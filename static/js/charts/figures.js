// Turns numbers into the figures people read: tabular, with a fixed number of decimals and a true minus.

const MINUS = '\u2212';
const DASH = '\u2013';
/** A space as wide as a figure. */
const ROOM = '\u2007';
/** A series without decimals of its own keeps what it has, up to this many. */
const LOOSE_DECIMALS = 4;

let locale = 'en';
/** @type {Map<number | null, Intl.NumberFormat>} making one costs a hundred times as much as using one */
const formats = new Map();

/** @param {string} name of the page's language, so that the script writes as the server does */
export function setLocale(name) {
  locale = name;
  formats.clear();
}

function format(decimals) {
  let made = formats.get(decimals);
  if (!made) {
    const loose = decimals === null;
    made = new Intl.NumberFormat(locale, { minimumFractionDigits: loose ? 0 : decimals, maximumFractionDigits: loose ? LOOSE_DECIMALS : decimals });
    formats.set(decimals, made);
  }
  return made;
}

/**
 * @param {number | null | undefined} value @param {number | null} [decimals] null: as many as the value has, at most four
 * @returns {string} `–` when there is no value
 */
export function figure(value, decimals = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  const text = format(decimals).format(Math.abs(value));
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** The same with its sign, for changes. What rounds to nothing has none, but the room of one: a figure whose beginning jumps to and fro cannot be read. */
export function signed(value, decimals = 0) {
  const text = figure(value, decimals);
  if (text === DASH || text.startsWith(MINUS)) return text;
  return (/[1-9]/.test(text) ? '+' : ROOM) + text;
}

/** @param {number | null} value @returns {string} `18.4 k`, where space forces it; the full figure belongs in a title */
export function compact(value) {
  if (value === null || !Number.isFinite(value)) return DASH;
  if (Math.abs(value) < 10_000) return figure(value, Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 1);
  for (const [size, letter] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (Math.abs(value) >= size) return `${figure(value / size, Math.abs(value) >= 100 * size ? 0 : 1)}\u00a0${letter}`;
  }
  return figure(value, 0);
}

/** @param {number} value @param {number | null} decimals as shown @returns {'up' | 'down' | 'flat'} what the shown figure says, not what is hidden behind its rounding */
export function direction(value, decimals) {
  if (!Number.isFinite(value)) return 'flat';
  const text = figure(value, decimals);
  return !/[1-9]/.test(text) ? 'flat' : value > 0 ? 'up' : 'down';
}
