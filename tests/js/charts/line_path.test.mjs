import assert from 'node:assert/strict';
import { test } from 'node:test';

import { broken, lineExtent, traceLine } from '../../../static/js/charts/line_path.js';

class Pen {
  strokes = [];
  moveTo(x, y) {
    this.strokes.push([[x, y]]);
  }
  lineTo(x, y) {
    this.strokes.at(-1).push([x, y]);
  }
}

const view = (...rows) => ({
  time: rows.map(([t]) => t), last: rows.map(([, v]) => v), high: rows.map(([, v, h]) => h ?? v), low: rows.map(([, v, , l]) => l ?? v),
});
const same = (value) => value;

function strokes(rows, breaks = [], x = same) {
  const pen = new Pen();
  traceLine(pen, rows, 0, rows.time.length, x, (value) => -value, breaks);
  return pen.strokes;
}

test('a line goes from row to row', () => {
  assert.deepEqual(strokes(view([0, 1], [10, 2], [20, 3])), [[[0, -1], [0, -1], [10, -2], [20, -3]]]);
});

test('a spike inside a merged row is drawn', () => {
  const [stroke] = strokes(view([0, 1], [10, 2, 9, -4], [20, 3]));
  assert.ok(stroke.some(([x, y]) => x === 10 && y === -9));
  assert.ok(stroke.some(([x, y]) => x === 10 && y === 4));
});

test('a spike among many rows in one pixel is drawn', () => {
  const rows = view(...Array.from({ length: 100 }, (_, i) => [i, i === 50 ? 99 : 1]));
  const [stroke] = strokes(rows, [], (time) => time / 1000);
  assert.ok(stroke.some(([, y]) => y === -99));
  assert.ok(stroke.length <= 4);
});

test('a line is not drawn across a gap, and goes on after it', () => {
  assert.equal(strokes(view([0, 1], [10, 2], [40, 3], [50, 4]), [{ from: 10, to: 38 }]).length, 2);
});

test('a row a little inside a gap does not join what the gap parts', () => {
  assert.equal(strokes(view([0, 1], [11, 2], [40, 3], [50, 4]), [{ from: 10, to: 38 }]).length, 3);
});

test('a gap whose length is nothing still breaks the line', () => {
  assert.ok(broken(0, 10, [{ from: 5, to: 5 }]));
});

test('a gap elsewhere does not', () => {
  assert.ok(!broken(0, 10, [{ from: 20, to: 30 }]));
  assert.ok(!broken(30, 40, [{ from: 20, to: 30 }]));
  assert.ok(!broken(28, 40, [{ from: 20, to: 30 }]));
});

test('rows that came in after the beginning of an open gap are not torn apart', () => {
  assert.ok(broken(10, 20, [{ from: 15, to: null }]));
  assert.ok(!broken(16, 20, [{ from: 15, to: null }]));
});

test('the extent counts what is inside merged rows', () => {
  assert.deepEqual(lineExtent(view([0, 1], [10, 2, 9, -4]), 0, 2), [-4, 9]);
  assert.deepEqual(lineExtent(view([0, 1]), 0, 0), [Infinity, -Infinity]);
});
