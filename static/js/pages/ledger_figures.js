// Turns the accounts of the ledger into figures: published = shown + merged + gap, and what is left unexplained.

import { compact, figure } from '../panels/words.js';

/**
 * @param {{published: number, shown: number, merged: number, gap: number, unknownGaps: number, unexplained: number}} account
 * @returns {{published: string, shown: string, merged: string, gap: string, unexplained: string, balanced: boolean}}
 *   a gap of which nobody can know the size makes the sum a least one, and says so
 */
export function ledgerFigures({ published, shown, merged, gap, unknownGaps, unexplained }) {
  // The page does its own sum: a ledger that only repeats what it was told proves nothing.
  const left = unexplained + Math.abs(published - shown - merged - gap);
  const least = unknownGaps > 0 ? '≥ ' : '';
  return {
    published: figure(published), shown: figure(shown), merged: figure(merged), gap: least + figure(gap), unexplained: figure(left), balanced: left === 0,
  };
}

/** @param {ReturnType<import('../live/stats.js').Stats['read']>} stats @returns {Record<string, string>} facts of the delivery */
export function deliveryFigures({ framesPerSecond, bytesPerSecond, inRate, shownRate, merged, ageP50, ageP95 }) {
  const size = compact(Math.round(bytesPerSecond));
  const ms = (value) => (value === null ? '–' : `${figure(Math.round(value))} ms`);
  return {
    in: `${figure(inRate, inRate < 10 ? 1 : 0)}/s`, 'shown-rate': `${figure(shownRate, shownRate < 10 ? 1 : 0)} Hz`, 'merged-share': `${figure(merged * 100, 1)}%`,
    frames: `${figure(framesPerSecond, 1)}/s`, bytes: `${size}${/\d$/.test(size) ? '\u00a0' : ''}B/s`, 'age-p50': ms(ageP50), 'age-p95': ms(ageP95),
  };
}
