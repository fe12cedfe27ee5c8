// Names what pages and panels both have to name.

export { Zone, age, length } from '../charts/ages.js';
export { causeWords } from '../charts/gap_bands.js';
export { compact, figure, setLocale, signed } from '../charts/figures.js';

/** @param {number} step ms @returns {string} 5 s, 1 m */
export const stepWords = (step) => (step % 60_000 ? `${step / 1000} s` : `${step / 60_000} m`);
