// Turns what is known of a source into how it stands now: its level, its word, and the age of its newest tick.

import { judge } from '../live/freshness.js';

/**
 * @typedef {object} Known  what a page knows of a source, from the socket or, before that, from the page itself
 * @property {number} src
 * @property {string} name
 * @property {number} cadence  seconds
 * @property {string} state    starting, live, late, down, stopped, degraded or unknown
 * @property {number | null} last   server ms of the newest tick that is here
 * @property {number} since    server ms at which waiting for one began
 */

const LEVEL = { empty: 'live', fresh: 'live', late: 'late', stale: 'stale' };

/**
 * @param {Known} source
 * @param {{mode: 'live' | 'paused' | 'cut', end: number, known: number}} at  end: the moment the page shows; known: up to which it knows
 * @returns {import('../panels/vital.js').Vital} of its figures
 */
export function vital({ src, name, cadence, state, last, since }, { mode, end, known }) {
  const { level, age } = judge({ cadence, last, since, now: end });
  const said = (made, shape, word) => ({ src, name, level: made, shape, word, age });
  // It has been switched off: its figures will not become newer, however young they are.
  if (state === 'stopped') return said('stale', 'stopped', 'stopped');
  if (mode === 'cut') {
    // What was fresh when the line was cut has the age of the whole page; only what was older then says so itself.
    const then = LEVEL[judge({ cadence, last, since, now: known }).level];
    if (then === 'live') return said('unknown', 'unknown', 'unknown');
  }
  const shown = LEVEL[level];
  // It is at work again, perhaps on its past: what is here is old, and it is said why.
  if (state === 'starting' && shown === 'stale') return said(shown, 'unknown', 'starting');
  return said(shown, shown, state === 'down' && shown === 'stale' ? 'down' : shown);
}

/**
 * @param {Known} source @param {{mode: 'live' | 'paused' | 'cut', end: number, known: number}} at
 * @returns {{shape: 'live' | 'late' | 'stale' | 'stopped' | 'unknown', word: string}} of the source itself
 */
export function condition(source, at) {
  if (at.mode === 'cut') return { shape: 'unknown', word: 'unknown' };
  const { level, shape } = vital(source, at);
  if (shape === 'stopped') return { shape, word: 'stopped' };
  if (source.state === 'unknown' || source.state === 'starting') return { shape: 'unknown', word: 'starting' };
  if (source.state === 'down') return { shape: 'stale', word: 'down' };
  if (level !== 'live') return { shape: level, word: level };
  return source.state === 'degraded' ? { shape: 'late', word: 'degraded' } : { shape: 'live', word: 'live' };
}

/** @param {{shape: string}[]} conditions @returns {Record<'live' | 'late' | 'stale' | 'unknown', number>} what is stopped is known about, but not live either */
export function tally(conditions) {
  const counts = { live: 0, late: 0, stale: 0, unknown: 0 };
  for (const { shape } of conditions) counts[shape === 'stopped' ? 'unknown' : shape] += 1;
  return counts;
}
