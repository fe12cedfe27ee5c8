import assert from 'node:assert/strict';
import { test } from 'node:test';

import { breaking, gapBands, placeWords } from '../../../static/js/charts/gap_bands.js';

const clock = (ms) => `@${ms}`;
const gap = (kind, from, to, more = {}) => ({ kind, cause: '', from, to, count: null, ...more });
const bands = (...lists) => gapBands(lists.map((gaps, at) => ({ name: `S${at}`, gaps })), 0, 100_000, clock);

test('only what touches the window becomes a band', () => {
  assert.deepEqual(bands([gap('lost', -20, -1), gap('lost', 50_000, 60_000), gap('lost', 100_000, 200_000)]).map(({ from }) => from), [50_000]);
});

test('lost ticks are counted and their cause is said; the source only where there are several', () => {
  const lost = gap('lost', 1, 2, { cause: 'trimmed', count: 12_043 });
  assert.deepEqual(bands([lost])[0].words, ['12,043 lost, log trimmed', '12,043 lost, log trimmed', '12,043 lost']);
  assert.equal(bands([lost], [])[0].words[0], 'S0: 12,043 lost, log trimmed');
  assert.equal(bands([gap('lost', 1, 2, { cause: 'epoch' })])[0].words[0], 'ticks lost, server restarted');
});

test('a silent source says since when', () => {
  assert.equal(bands([gap('silent', 90_000, null)])[0].words[0], 'source silent since @90000');
  assert.equal(bands([gap('silent', 10_000, 52_000)])[0].words[0], 'source silent 42 s');
});

test('a cut of the viewer is said once, however many sources it cut', () => {
  const [band, ...rest] = bands([gap('offline', 1_000, null)], [gap('offline', 900, null)]);
  assert.deepEqual(rest, []);
  assert.equal(band.from, 900);
  assert.equal(band.words[0], 'you are offline');
  const repaired = bands([gap('repaired', 10_000, 52_000)], [gap('repaired', 11_000, 52_500)]);
  assert.deepEqual(repaired.map(({ from, to }) => [from, to]), [[10_000, 52_500]]);
});

test('what has been repaired breaks no line', () => {
  assert.deepEqual(breaking([gap('repaired', 1, 2), gap('lost', 3, 4)]).map(({ kind }) => kind), ['lost']);
});

const measure = (text) => text.length * 6;
const x = (ms) => ms / 200;

test('the longest words that fit are taken', () => {
  const wide = placeWords(bands([gap('lost', 80_000, 90_000, { cause: 'trimmed', count: 7 })]), x, 500, measure);
  assert.equal(wide[0].text, '7 lost, log trimmed');
  const tight = placeWords(bands([gap('lost', 10_000, 20_000, { cause: 'trimmed', count: 7 })]), x, 500, measure);
  assert.equal(tight[0].text, '7 lost');
  assert.deepEqual(placeWords(bands([gap('lost', 1_000, 2_000, { count: 7 })]), x, 500, measure), []);
});

test('words never run into each other', () => {
  const placed = placeWords(bands([gap('repaired', 40_000, 44_000), gap('lost', 50_000, 60_000, { count: 1 }), gap('repaired', 46_000, 48_000)].slice(0, 2)), x, 500, measure);
  const [first, second] = placed.map(({ text, left }) => [left, left + measure(text)]).sort((a, b) => a[0] - b[0]);
  assert.ok(!second || first[1] <= second[0]);
});

test('words do not stand on the pattern of another band', () => {
  const found = bands([gap('lost', 70_000, 74_000, { count: 7 }), gap('offline', 78_000, null)]);
  const [{ text, left }] = placeWords(found, x, 500, measure);
  assert.equal(text, 'you are offline');
  assert.ok(left + measure(text) <= x(70_000), 'before both');
});
