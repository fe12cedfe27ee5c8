// Turns the spans that a chart must not draw across into bands: what they look like, and what is said of them.

import { length } from './ages.js';
import { figure } from './figures.js';

/**
 * @typedef {object} Gap  a span as the page knows it
 * @property {'lost' | 'silent' | 'offline' | 'repaired'} kind
 * @property {string} cause        trimmed, epoch, ahead, source, failover, slow, restart, unexplained; '' otherwise
 * @property {number} from         ms
 * @property {number | null} to    ms; null: still open
 * @property {number | null} count ticks that are missing; for `repaired` that were filled in
 */

/** @typedef {{kind: Gap['kind'], from: number, to: number | null, words: string[]}} Band  words: the longest first */

const LOST = {
  trimmed: 'log trimmed', epoch: 'server restarted', ahead: 'server restarted', restart: 'server restarted', source: 'by the source', failover: 'worker changed',
  slow: 'browser too slow', unexplained: 'unexplained',
};

/** @param {string} cause @returns {string} why ticks were lost, in words */
export const causeWords = (cause) => LOST[cause] ?? cause;

/**
 * @param {{name: string, gaps: readonly Gap[]}[]} sources of one chart @param {number} from ms @param {number} to ms
 * @param {(ms: number) => string} clock names a moment
 * @returns {Band[]} those that touch the window, oldest first; a cut of the viewer's own line, which all sources share, once
 */
export function gapBands(sources, from, to, clock) {
  const bands = [];
  for (const { name, gaps } of sources) {
    const named = sources.length > 1 ? name : '';
    for (const gap of gaps) {
      if ((gap.to ?? to) <= from || gap.from >= to) continue;
      const band = { kind: gap.kind, from: gap.from, to: gap.to, words: words(gap, named, clock) };
      if (!absorbed(bands, band)) bands.push(band);
    }
  }
  return bands.sort((a, b) => a.from - b.from);
}

function words({ kind, cause, from, to, count }, name, clock) {
  if (kind === 'offline') {
    if (to === null) return ['you are offline', 'offline'];
    return [`you were offline ${length(to - from)}`, 'you were offline', 'offline'];
  }
  if (kind === 'repaired') return [`you were offline ${length(to - from)}, repaired`, 'offline, repaired', 'repaired'];
  const prefix = name && `${name}: `;
  if (kind === 'silent') {
    const since = to === null ? `silent since ${clock(from)}` : `silent ${length(to - from)}`;
    return name ? [`${prefix}${since}`, since, 'silent'] : [`source ${since}`, since, 'silent'];
  }
  const lost = count ? `${figure(count)} lost` : 'ticks lost';
  return [`${prefix}${lost}, ${causeWords(cause)}`, `${lost}, ${causeWords(cause)}`, lost];
}

// The socket is cut for all sources at once, though each remembers the moment a little differently.
function absorbed(bands, { kind, from, to }) {
  if (kind !== 'offline' && kind !== 'repaired') return false;
  const twin = bands.find((band) => band.kind === kind && band.from <= (to ?? Infinity) && from <= (band.to ?? Infinity));
  if (!twin) return false;
  twin.from = Math.min(twin.from, from);
  if (twin.to !== null) twin.to = to === null ? null : Math.max(twin.to, to);
  return true;
}

/** @param {readonly Gap[]} gaps @returns {Gap[]} those that break a line: what has been filled in again is whole */
export const breaking = (gaps) => gaps.filter(({ kind }) => kind !== 'repaired');

/**
 * Places words in the lane above a plot, where they do not run into each other.
 * @param {readonly Band[]} bands @param {(ms: number) => number} x px of a moment @param {number} width px @param {(text: string) => number} measure
 * @returns {{text: string, left: number, band: Band}[]}
 */
export function placeWords(bands, x, width, measure) {
  const taken = [];
  const placed = [];
  const backwards = [...bands].reverse();
  const patterned = backwards.filter(({ kind }) => kind === 'lost' || kind === 'offline');
  for (const band of backwards) {
    const left = Math.max(0, x(band.from));
    const right = band.to === null ? width : Math.min(width, x(band.to));
    for (const text of band.words) {
      const size = measure(text);
      let at = seat(band, left, right, size, width);
      // Nothing can be read on the pattern of another band either: then before that one.
      for (const { from, to } of patterned) if (at < (to === null ? width : x(to)) && at + size > x(from)) at = x(from) - 6 - size;
      if (at < 2 || at + size > width || taken.some(([a, b]) => at < b + 8 && at + size > a - 8)) continue;
      taken.push([at, at + size]);
      placed.push({ text, left: at, band });
      break;
    }
  }
  return placed;
}

// Before a patterned band, on which nothing could be read; over the middle of a bracket; a silence within its edges, if it is wide enough.
function seat({ kind, to }, left, right, size, width) {
  if (kind === 'lost' || kind === 'offline') return left - 6 - size;
  if (kind === 'silent') return to === null && right - 4 - size > left ? right - 4 - size : to === null ? left - 6 - size : left + 6;
  return Math.min(Math.max(4, (left + right - size) / 2), width - size - 4);
}
