import assert from 'node:assert/strict';
import { test } from 'node:test';

import { gapRows, journalWords } from '../../../static/js/pages/journal_words.js';
import { deliveryFigures, ledgerFigures } from '../../../static/js/pages/ledger_figures.js';

const account = (more) => ({ published: 100, shown: 60, merged: 30, gap: 10, unknownGaps: 0, unexplained: 0, ...more });

test('books that add up say 0 unexplained', () => {
  assert.deepEqual(ledgerFigures(account()), { published: '100', shown: '60', merged: '30', gap: '10', unexplained: '0', balanced: true });
});

test('the page does the sum itself', () => {
  assert.deepEqual([ledgerFigures(account({ shown: 58 })).unexplained, ledgerFigures(account({ shown: 58 })).balanced], ['2', false]);
  assert.equal(ledgerFigures(account({ unexplained: 12 })).unexplained, '12');
});

test('a gap whose size nobody can know makes the sum a least one', () => {
  assert.equal(ledgerFigures(account({ unknownGaps: 1 })).gap, '≥ 10');
});

test('the delivery is said in figures with units', () => {
  const facts = deliveryFigures({ framesPerSecond: 9.83, bytesPerSecond: 14_210, inRate: 412.4, shownRate: 9.47, merged: 0.675, ageP50: 62.4, ageP95: null });
  assert.deepEqual(facts, { in: '412/s', 'shown-rate': '9.5 Hz', 'merged-share': '67.5%', frames: '9.8/s', bytes: '14.2\u00a0kB/s', 'age-p50': '62 ms', 'age-p95': '–' });
});

test('a cut of the line is one row for all sources, a loss one for each', () => {
  const gap = (kind, from, to, count, cause = '') => ({ kind, cause, from, to, count });
  const rows = gapRows([
    { name: 'US shares', gaps: [gap('repaired', 1000, 43_000, 17_000)] },
    { name: 'Futures', gaps: [gap('repaired', 1010, 43_000, 304), gap('lost', 50_000, 60_000, 12_043, 'trimmed'), gap('silent', 70_000, null, 0)] },
  ], (ms) => `@${ms / 1000}`);
  assert.deepEqual(rows.map(({ swatch, source, cause, missing }) => [swatch, source, cause, missing]), [
    ['silent', 'Futures', 'Source silent', '0'],
    ['lost', 'Futures', 'Lost: log trimmed', '12,043'],
    ['repaired', 'all', 'You were offline; 17,304 repaired', '0'],
  ]);
  assert.equal(rows[0].when, '@70 – now');
});

test('a loss without a number says that it has none', () => {
  const [row] = gapRows([{ name: 'A', gaps: [{ kind: 'lost', cause: 'epoch', from: 1, to: 2, count: null }] }], String);
  assert.deepEqual([row.cause, row.missing], ['Lost: server restarted', '?']);
});

test('the journal is said in words', () => {
  const words = (what, detail) => journalWords({ at: 0, what, detail }, () => 'Futures');
  assert.deepEqual(words('state', { from: 'live', to: 'waiting', reason: 'restart' }), { state: 'waiting', detail: 'after live, the server is restarting' });
  assert.deepEqual(words('down', { code: 1006, why: null, opened: true }), { state: 'down', detail: 'close 1006' });
  assert.deepEqual(words('gap', { src: 1, cause: 'trimmed', count: 12_043 }), { state: 'gap', detail: 'Futures: 12,043 lost, log trimmed' });
  assert.deepEqual(words('bad_frame', { why: 'not JSON' }), { state: 'bad frame', detail: 'why not JSON' });
});
