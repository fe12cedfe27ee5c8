import assert from 'node:assert/strict';
import { test } from 'node:test';

import { timeTicks, valueRange, valueTicks } from '../../../static/js/charts/ticks.js';

test('values on an axis are round and have the decimals that tell them apart', () => {
  assert.deepEqual(valueTicks(-0.3, 0.98, 5), { ticks: [0, 0.5], decimals: 1 });
  assert.deepEqual(valueTicks(-0.3, 0.98, 6), { ticks: [-0.25, 0, 0.25, 0.5, 0.75], decimals: 2 });
  assert.deepEqual(valueTicks(81.58, 81.97, 5), { ticks: [81.6, 81.7, 81.8, 81.9], decimals: 1 });
  assert.deepEqual(valueTicks(0, 100, 4), { ticks: [0, 25, 50, 75, 100], decimals: 0 });
  assert.deepEqual(valueTicks(0, 4e9, 4), { ticks: [0, 1e9, 2e9, 3e9, 4e9], decimals: 0 });
});

test('an axis is not finer than what it measures', () => {
  assert.deepEqual(valueTicks(70.32, 70.41, 4, 2), { ticks: [70.35, 70.4], decimals: 2 });
  assert.deepEqual(valueTicks(1, 2, 4, 0), { ticks: [1, 2], decimals: 0 });
});

test('an axis without height names nothing', () => {
  assert.deepEqual(valueTicks(5, 5, 4).ticks, []);
  assert.deepEqual(valueTicks(NaN, 5, 4).ticks, []);
});

test('moments are round on the clock of the zone', () => {
  const from = Date.UTC(2026, 0, 1, 12, 17, 7);
  const { ticks, step } = timeTicks(from, from + 15 * 60_000, 4);
  assert.equal(step, 5 * 60_000);
  assert.deepEqual(ticks.map((tick) => new Date(tick).toISOString().slice(11, 19)), ['12:20:00', '12:25:00', '12:30:00']);
  assert.equal(timeTicks(from, from + 24 * 3_600_000, 4, 5.75 * 3_600_000).ticks[0] % 900_000, 0);
});

test('a minute is divided into seconds', () => {
  assert.equal(timeTicks(0, 60_000, 4).step, 15_000);
});

test('the range of values is never without height, and fixed ends hold', () => {
  assert.deepEqual(valueRange(1, 3), [1, 3]);
  assert.deepEqual(valueRange(10, 60, { min: 0, max: 100 }), [0, 100]);
  assert.deepEqual(valueRange(10, 160, { min: 0, max: 100 }), [0, 160]);
  assert.deepEqual(valueRange(0, 0, { min: 0 }), [0, 1]);
  assert.deepEqual(valueRange(Infinity, -Infinity), [0, 1]);
  const [low, high] = valueRange(5, 5);
  assert.ok(low < 5 && high > 5);
});
