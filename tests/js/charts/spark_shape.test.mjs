import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lowerBound, sparkShape } from '../../../static/js/charts/spark_shape.js';

const view = (rows) => ({ length: rows.length, time: rows.map(([t]) => t), last: rows.map(([, v]) => v) });

test('the newest value stands at the right edge and the range fills the height', () => {
  const { points, end } = sparkShape(view([[0, 1], [50, 3], [100, 2]]), 0, 100, 100, 20);
  assert.deepEqual(points, [0, 20, 50, 0, 100, 10]);
  assert.deepEqual(end, [100, 10]);
});

test('a value that never moves is a line through the middle', () => {
  assert.deepEqual(sparkShape(view([[0, 5], [100, 5]]), 0, 100, 100, 20).points, [0, 10, 100, 10]);
});

test('the line comes from the last value before the window', () => {
  const { points } = sparkShape(view([[-100, 0], [-50, 1], [50, 2]]), 0, 100, 100, 10);
  assert.deepEqual(points, [0, 10, 50, 0]);
});

test('the line does not cross a gap', () => {
  const { starts } = sparkShape(view([[0, 1], [20, 2], [80, 3], [100, 4]]), 0, 100, 100, 10, [{ from: 20, to: 70 }]);
  assert.deepEqual(starts, [0, 2]);
});

test('a thousand rows in one pixel become one point', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => [i / 1000, i]);
  const { points } = sparkShape(view(rows), 0, 1000, 100, 10);
  assert.equal(points.length, 2);
});

test('nothing known draws nothing', () => {
  assert.deepEqual(sparkShape(view([]), 0, 100, 100, 10), { points: [], starts: [], end: null });
});

test('the lower bound is the first entry not below', () => {
  assert.equal(lowerBound([1, 3, 3, 5], 4, 3), 1);
  assert.equal(lowerBound([1, 3, 3, 5], 4, 6), 4);
  assert.equal(lowerBound([], 0, 6), 0);
});
