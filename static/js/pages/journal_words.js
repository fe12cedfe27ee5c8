// Turns the entries of the connection's journal, and the gaps of the page, into rows that people can read.

import { causeWords, figure, length } from '../panels/words.js';

const REASON = {
  restart: 'the server is restarting', dropped: 'the connection was lost', silent: 'nothing came any more', closed_by_other: 'closed by something on the way',
};

/** @param {import('../live/journal.js').Entry} entry @param {(src: number) => string} name @returns {{state: string, detail: string}} */
export function journalWords({ what, detail }, name) {
  switch (what) {
    case 'state':
      return { state: detail.to, detail: [`after ${detail.from}`, detail.reason && (REASON[detail.reason] ?? detail.reason.replaceAll('_', ' '))].filter(Boolean).join(', ') };
    case 'down':
      return { state: 'down', detail: [detail.code && `close ${detail.code}`, detail.why?.replaceAll('_', ' '), !detail.opened && 'before it had opened'].filter(Boolean).join(', ') };
    case 'gap':
      return { state: 'gap', detail: `${name(detail.src)}: ${detail.count ? figure(detail.count) : 'some'} lost, ${causeWords(detail.cause)}` };
    case 'resync':
      return { state: 'resync', detail: `${name(detail.src)}: ${detail.why}` };
    default:
      return { state: what.replaceAll('_', ' '), detail: Object.entries(detail).map(([key, value]) => `${key} ${String(value)}`).join(', ') };
  }
}

const CAUSES = { silent: 'Source silent', offline: 'You are offline' };

/**
 * @param {{name: string, gaps: import('../panels/types.js').Gap[]}[]} sources @param {(ms: number) => string} clock
 * @returns {{swatch: string, when: string, source: string, 'source-inline': string, cause: string, missing: string}[]} newest first
 */
export function gapRows(sources, clock) {
  const cuts = new Map();
  const rows = [];
  for (const { name, gaps } of sources) {
    for (const gap of gaps) {
      const row = { ...gap, name };
      // The line is cut for all sources at once: one row tells it.
      const key = gap.kind === 'repaired' || gap.kind === 'offline' ? `${gap.kind} ${Math.round(gap.from / 1000)}` : null;
      if (key && cuts.has(key)) Object.assign(cuts.get(key), { name: 'all', count: (cuts.get(key).count ?? 0) + (gap.count ?? 0), to: gap.to });
      else rows.push(row);
      if (key && !cuts.has(key)) cuts.set(key, row);
    }
  }
  return rows.sort((a, b) => b.from - a.from).map((row) => ({
    swatch: row.kind, when: `${clock(row.from)} – ${row.to === null ? 'now' : clock(row.to)}`, source: row.name, 'source-inline': row.name, cause: cause(row), missing: missing(row),
  }));
}

function cause({ kind, cause: why, count, from, to }) {
  if (kind === 'repaired') return `You were offline; ${figure(count ?? 0)} repaired`;
  if (kind === 'lost') return `Lost: ${causeWords(why)}`;
  if (kind === 'offline' && to !== null) return `You were offline ${length(to - from)}`;
  return CAUSES[kind];
}

const missing = ({ kind, count }) => (kind === 'lost' ? (count === null ? '?' : figure(count)) : kind === 'offline' ? '–' : '0');
