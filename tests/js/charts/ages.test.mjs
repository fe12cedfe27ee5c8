import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Zone, age, countdown, length } from '../../../static/js/charts/ages.js';

test('ages are said as people say them', () => {
  const cases = [[0, '0.0 s'], [3449, '3.4 s'], [9999, '9.9 s'], [10_000, '10 s'], [59_999, '59 s'], [72_000, '1 m 12 s'], [3_599_999, '59 m 59 s'],
    [7_500_000, '2 h 05 m'], [90_000_000, '1 d 01 h'], [-5, '0.0 s']];
  for (const [ms, words] of cases) assert.equal(age(ms), words);
});

test('a countdown never shows zero while something is left', () => {
  assert.equal(countdown(53_001), '0:54');
  assert.equal(countdown(1), '0:01');
  assert.equal(countdown(0), '0:00');
  assert.equal(countdown(61_000), '1:01');
});

test('a length is at least a second', () => {
  assert.equal(length(20), '1 s');
  assert.equal(length(42_000), '42 s');
});

test('a zone shows its own clock, also across the change to summer time', () => {
  const zone = new Zone('Europe/Berlin');
  const winter = Date.UTC(2026, 2, 29, 0, 59, 58, 250);
  assert.equal(zone.exact(winter), '01:59:58.250');
  assert.equal(zone.offset(winter), 3_600_000);
  assert.equal(zone.hms(winter + 2_000), '03:00:00');
  assert.equal(zone.offset(winter + 2_000), 7_200_000);
  assert.equal(new Zone('UTC').hm(winter), '00:59');
  assert.equal(new Zone('America/St_Johns').offset(Date.UTC(2026, 0, 1)), -12_600_000);
});

test('a zone whose offset is no whole hour is right as well', () => {
  assert.equal(new Zone('Asia/Kathmandu').hms(Date.UTC(2026, 0, 1, 0, 0, 1)), '05:45:01');
});
