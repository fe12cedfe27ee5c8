import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Columns } from '../../../static/js/charts/columns.js';
import { NumberRing } from '../../../static/js/live/ring.js';
import { seeded } from '../support/clock.mjs';

const NAMES = ['first', 'time', 'last', 'high', 'low'];
const push = (ring, time, value, high = value, low = value) => ring.push(time, value, value, high, low, NaN, 1);

/** What the columns must be, from all rows anew. */
function plain({ time, last, high, low, length }, step, from) {
  const made = [];
  for (let i = 0; i < length; i += 1) {
    const column = Math.floor(time[i] / step);
    const before = made.at(-1);
    if (before?.column === column) Object.assign(before, { time: time[i], last: last[i], high: Math.max(before.high, high[i]), low: Math.min(before.low, low[i]) });
    else made.push({ column, first: time[i], time: time[i], last: last[i], high: high[i], low: low[i] });
  }
  const begin = made.findIndex((column) => column.time >= from);
  return made.slice(Math.max(0, begin < 0 ? made.length - 1 : begin - 1));
}

const told = (columns) => {
  const view = columns.view();
  return Array.from({ length: view.length }, (_, i) => NAMES.map((name) => view[name][i]));
};
const wanted = (rows, step, from) => plain(rows, step, from).map((column) => NAMES.map((name) => column[name]));

test('columns keep what is highest, lowest and newest, and when they began and ended', () => {
  const ring = new NumberRing(100);
  push(ring, 10, 5, 9, 1);
  push(ring, 14, 6);
  push(ring, 21, 7);
  const columns = new Columns();
  columns.take(ring.view(), 10, 0);
  assert.deepEqual(told(columns), [[10, 14, 6, 9, 1], [21, 21, 7, 7, 7]]);
});

test('what is taken in bit by bit equals what is folded anew, late rows, cuts and full rings included', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = seeded(seed);
    const ring = new NumberRing([40, 300, 5000][seed % 3]);
    const columns = new Columns();
    let time = 1_000_000;
    for (let round = 0; round < 120; round += 1) {
      for (let n = Math.floor(random() * 30); n > 0; n -= 1) {
        time += Math.floor(random() * 40);
        const late = random() < 0.01 ? Math.floor(random() * 500) : 0;
        push(ring, time - late, Math.round(random() * 100), 100 + random(), -random());
      }
      if (random() < 0.02) ring.cutFrom(time - 300);
      const step = round < 60 ? 25 : 60;
      const from = time - 4000;
      columns.take(ring.view(), step, from);
      // What a full ring has let go may still stand in the columns; from its second column on they are the same.
      const rows = ring.view();
      const whole = (list) => list.filter(([first]) => Math.floor(first / step) > Math.floor(Math.max(rows.time[0] ?? 0, from) / step));
      assert.deepEqual(whole(told(columns)), whole(wanted(rows, step, from)), `seed ${seed}, round ${round}`);
      if (rows.length > 0 && rows.time[0] < from) assert.ok(columns.view().first[0] < from, 'the line comes in from before the window');
    }
  }
});

test('a row is folded once', () => {
  const ring = new NumberRing(10_000);
  for (let i = 0; i < 9_000; i += 1) push(ring, i * 100, i);
  const columns = new Columns();
  columns.take(ring.view(), 1_000, 0);
  let read = 0;
  const rows = ring.view();
  const counting = new Proxy(rows.time, { get: (target, name) => { if (typeof name === 'string' && /^\d+$/.test(name)) read += 1; return target[name]; } });
  push(ring, 900_001, 1);
  columns.take({ ...ring.view(), time: counting }, 1_000, 0);
  assert.ok(read <= 4, `${read} times were read`);
});

test('no rows, and another series in its place', () => {
  const columns = new Columns();
  columns.take(null, 10, 0);
  assert.equal(columns.view().length, 0);
  for (const value of [1, 2]) {
    const ring = new NumberRing(10);
    push(ring, 5, value);
    columns.take(ring.view(), 10, 0);
    assert.deepEqual(told(columns), [[5, 5, value, value, value]]);
  }
});
