// Turns how fresh the sources of a panel are into what its head says.

import { age } from '../charts/ages.js';

/**
 * @typedef {object} Vital  how a source is, as far as this page can say
 * @property {number} src
 * @property {string} name
 * @property {'live' | 'late' | 'stale' | 'unknown'} level
 * @property {string} shape     of the level, or `stopped`
 * @property {string} word      live, late, stale, unknown, or the source's own state: stopped, down, starting, degraded
 * @property {number | null} age  ms since its newest tick; null: there was none
 */

/** @param {string} word */
export const capital = (word) => word[0].toUpperCase() + word.slice(1);

/** @param {Vital} vital @returns {string} `late 3.4 s` */
export const vitalWords = ({ word, age: ms }) => (ms === null ? WITHOUT[word] ?? word : word === 'starting' ? `${word}, ${age(ms)} old` : `${word} ${age(ms)}`);
const WITHOUT = { late: 'no data', stale: 'no data' };

/**
 * @param {Vital[]} vitals of the sources of a panel, each once
 * @returns {{stale: boolean, badge: {shape: string, text: string, framed: boolean} | null}} stale: nothing in it stands for the present
 */
export function headOf(vitals) {
  const bad = vitals.filter(({ level }) => level === 'late' || level === 'stale');
  if (bad.length === 0) return { stale: false, badge: null };
  const stale = bad.filter(({ level }) => level === 'stale');
  const all = stale.length === vitals.length;
  const worst = (stale.length ? stale : bad).reduce((a, b) => ((b.age ?? Infinity) > (a.age ?? Infinity) ? b : a));
  const words = vitalWords(worst);
  // One of several sources: the panel goes on, so its badge must say whose trouble it is.
  const whose = vitals.length > 1 && !(all && stale.length > 1) ? `${worst.name} ` : '';
  const more = bad.length > 1 && vitals.length > 1 && !all ? `, +${bad.length - 1}` : '';
  return { stale: all, badge: { shape: worst.shape, text: `${whose}${words}${more}`, framed: all } };
}
