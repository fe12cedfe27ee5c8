import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { amount, compact, direction, figure, setLocale, signed } from '../../../static/js/charts/figures.js';

test('a figure keeps its decimals, groups thousands and has a true minus', () => {
  assert.equal(figure(70412.5, 2), '70,412.50');
  assert.equal(figure(-0.27, 2), '\u22120.27');
  assert.equal(figure(18312, 0), '18,312');
});

test('a figure without decimals of its own shows at most four', () => {
  assert.equal(figure(1.25, null), '1.25');
  assert.equal(figure(0.123456, null), '0.1235');
  assert.equal(figure(3, null), '3');
});

test('no value is a dash, never NaN', () => {
  for (const nothing of [null, undefined, NaN, Infinity]) assert.equal(figure(nothing, 2), '–');
  assert.equal(signed(null, 2), '–');
});

test('a change always has its sign, and none when it rounds to nothing', () => {
  assert.equal(signed(1.5, 2), '+1.50');
  assert.equal(signed(-1.5, 2), '\u22121.50');
  assert.equal(signed(0, 2), '\u20070.00');
  assert.equal(signed(-0.001, 2), '\u20070.00');
  assert.equal(signed(0.001, 2), '\u20070.00');
});

test('the direction is that of the shown figure', () => {
  assert.equal(direction(0.004, 2), 'flat');
  assert.equal(direction(0.006, 2), 'up');
  assert.equal(direction(-0.006, 2), 'down');
  assert.equal(direction(NaN, 2), 'flat');
});

test('large figures can be shortened', () => {
  // The server reads the same list: what it wrote must not change with the first tick.
  const cases = JSON.parse(readFileSync(new URL('../support/compact.json', import.meta.url), 'utf8'));
  for (const [value, text] of cases) assert.equal(compact(value), text, String(value));
  for (const [, text] of cases) assert.ok(text.replace('\u2212', '').length <= 6, text);
  assert.equal(compact(null), '–');
});

test('bytes are shortened, and nothing else is', () => {
  assert.equal(amount(2_863_294, { unit: 'B/s', decimals: 0 }), '2.9\u00a0M');
  assert.equal(amount(2_863_294, { unit: 'USD', decimals: 0 }), '2,863,294');
  assert.equal(amount(null, { unit: 'B', decimals: 0 }), '–');
});

test('thousands follow the language of the page', () => {
  setLocale('de');
  assert.equal(figure(1234.5, 1), '1.234,5');
  setLocale('en');
});
