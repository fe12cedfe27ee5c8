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

/** A figure with its sign, for changes. What rounds to nothing has none, but the room of one: a figure whose beginning jumps to and fro cannot be read. */
export const signed = (value, decimals = 0) => withSign(figure(value, decimals));

/** @param {string} text */
export function withSign(text) {
  if (text === DASH || text.startsWith(MINUS)) return text;
  return (/[1-9]/.test(text) ? '+' : ROOM) + text;
}

const SIZES = [[1e12, '\u00a0T'], [1e9, '\u00a0G'], [1e6, '\u00a0M'], [1e3, '\u00a0k'], [1, '']];
/** Rounds as the server does, ties too: both multiply, add a half and cut. */
const round = (value, decimals) => Math.floor(Math.abs(value) * 10 ** decimals + 0.5) / 10 ** decimals;

/** @param {number | null} value @returns {string} `18.4 k`, of six characters at most; the full figure belongs in a title */
export function compact(value) {
  if (value === null || !Number.isFinite(value)) return DASH;
  // From where the next lower size would need four digits.
  const [size, letter] = Math.abs(value) < 9_999.5 ? [1, ''] : SIZES.find(([least]) => Math.abs(value) >= 0.9995 * least);
  const part = Math.abs(value) / size;
  const decimals = part >= 99.95 || (letter === '' && Number.isInteger(value)) ? 0 : 1;
  return figure(Math.sign(value) * round(part, decimals), decimals) + letter;
}

/** Of bytes nobody reads the ninth digit. @param {string} unit */
export const isBytes = (unit) => unit === 'B' || unit === 'B/s';

/** @param {number | null} value @param {{unit?: string, decimals: number | null}} series @returns {string} its figure as it is shown: shortened where the unit is bytes */
export const amount = (value, { unit = '', decimals }) => (isBytes(unit) ? compact(value) : figure(value, decimals));

/** @param {number} value @param {number | null} decimals as shown @returns {'up' | 'down' | 'flat'} what the shown figure says, not what is hidden behind its rounding */
export const direction = (value, decimals) => wayOf(figure(value, decimals));

/** @param {string} text of a figure @returns {'up' | 'down' | 'flat'} */
export const wayOf = (text) => (!/[1-9]/.test(text) ? 'flat' : text.startsWith(MINUS) ? 'down' : 'up');
