import assert from 'node:assert/strict';
import { test } from 'node:test';

import { barShapes, rank } from '../../../static/js/charts/movers.js';

const items = (...values) => values.map((value, at) => ({ at, value }));

test('the greatest comes first, and what has no value is not ranked', () => {
  assert.deepEqual(rank(items(null, 0.1, -5, NaN, 3)).map(({ value }) => value), [3, 0.1, -5]);
});

test('equal values keep the order they were given in', () => {
  assert.deepEqual(rank(items(1, 1, 1)).map(({ at }) => at), [0, 1, 2]);
});

test('bars of both signs grow from one zero in the middle, equal lengths for equal amounts', () => {
  assert.deepEqual(barShapes([4, -2, 0, null], { signed: true }), [
    { from: 0.5, to: 0.98 }, { from: 0.26, to: 0.5 }, { from: 0.5, to: 0.5 }, { from: 0.5, to: 0.5 },
  ]);
});

test('values grow from the beginning, as far as the greatest or the given end', () => {
  assert.deepEqual(barShapes([10, 5, -3]), [{ from: 0, to: 0.98 }, { from: 0, to: 0.49 }, { from: 0, to: 0 }]);
  assert.deepEqual(barShapes([50], { max: 100 }), [{ from: 0, to: 0.49 }]);
  assert.deepEqual(barShapes([150], { max: 100 }), [{ from: 0, to: 0.98 }]);
  assert.deepEqual(barShapes([15], { min: 10, max: 20 }), [{ from: 0, to: 0.49 }]);
});

test('nothing known has no length', () => {
  assert.deepEqual(barShapes([null, 0]), [{ from: 0, to: 0 }, { from: 0, to: 0 }]);
});
