import assert from 'node:assert/strict';
import { test } from 'node:test';

import { difference, slots } from '../../../static/js/charts/candle_slots.js';

const candle = (time, close) => ({ time, open: 1, high: close, low: 1, close, volume: 1, count: 1 });
const row = (from, ...closes) => closes.map((close, at) => ({ time: (from + at) * 10, candle: close === null ? null : candle((from + at) * 10, close) }));

test('time in which nothing was traded keeps its place', () => {
  const made = slots([candle(10, 2), candle(30, 3)], 10, 12, 45);
  assert.deepEqual(made.map(({ time }) => time), [10, 20, 30, 40]);
  assert.deepEqual(made.map((slot) => slot.candle?.close ?? null), [2, null, 3, null]);
});

test('a moving last candle is one change', () => {
  assert.deepEqual(difference(row(1, 2, 3), row(1, 2, 4), 10), row(2, 4));
});

test('a new slot is appended, after its predecessor has got its last value', () => {
  assert.deepEqual(difference(row(1, 2, 3), row(1, 2, 5, null), 10), row(2, 5, null));
  assert.deepEqual(difference(row(1, 2, 3), row(2, 3, 6), 10), row(3, 6));
});

test('nothing new is no change', () => {
  assert.deepEqual(difference(row(1, 2, 3), row(1, 2, 3), 10), []);
});

test('an older candle that changes fills the chart anew', () => {
  assert.equal(difference(row(1, 2, 3, 4), row(1, 9, 3, 4), 10), null);
  assert.equal(difference(row(1, null, 3, 4), row(1, 2, 3, 4), 10), null);
});

test('an older beginning, another step, or too great a length fill the chart anew', () => {
  assert.equal(difference(row(5, 2, 3), row(1, 2, 3), 10), null);
  assert.equal(difference(row(1, 2, 3), row(50, 2, 3), 10), null);
  assert.equal(difference(row(2, 2, 3), [{ time: 20, candle: null }, { time: 50, candle: null }], 10), null);
  assert.equal(difference(row(1, 1, 2, 3, 4), row(3, 3, 4, 5), 4), null);
  assert.equal(difference([], row(1, 1), 4), null);
  assert.equal(difference(row(1, 2, 3, 4), row(1, 2), 10), null);
});
