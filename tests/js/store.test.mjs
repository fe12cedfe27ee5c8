import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Snapshots } from '../../static/js/live/snapshots.js';
import { Store } from '../../static/js/live/store.js';
import { rows } from './support/world.mjs';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const T = 1_795_361_830_000;
const filled = () => {
  const store = new Store();
  store.define([[101, 42, 'AAPL', 'Apple', 'USD', 2], [102, 42, 'MSFT', 'Microsoft', 'USD', 2], [201, 43, 'status', 'Line 4', '', 0]]);
  return store;
};

describe('store', () => {
  test('knows latest, previous and the first of a window', () => {
    const store = filled();
    store.apply(42, rows([[101, 0, 10], [102, 5, 70], [101, 1000, 12], [101, 2000, 11]]));
    const series = store.series(101);
    assert.deepEqual([series.last, series.previous, series.time, series.ticks], [11, 12, T + 2000, 3]);
    assert.equal(store.firstSince(101, T + 500), 12);
    assert.equal(store.firstSince(101, T + 2001), null);
    assert.equal(store.firstSince(999, T), null);
    assert.equal(store.newest(42), T + 2000);
    assert.deepEqual([...store.view(101).last], [10, 12, 11]);
  });

  test('keeps open, high, low, volume and count of a merged row', () => {
    const store = filled();
    store.apply(42, { i: [101], t0: T, t: [900], v: [190.07], q: [420], k: [4], o: [190.02], h: [190.12], l: [190.01] });
    const view = store.view(101);
    assert.deepEqual([view.open[0], view.high[0], view.low[0], view.last[0], view.volume[0], view.count[0]], [190.02, 190.12, 190.01, 190.07, 420, 4]);
    assert.equal(store.series(101).previous, 190.02);
    assert.equal(store.series(101).ticks, 4);
  });

  test('a missing volume is no number, not zero', () => {
    const store = filled();
    store.apply(42, { i: [101, 102], t0: T, t: [0, 0], v: [1, 2], q: [null, 5] });
    assert.ok(Number.isNaN(store.view(101).volume[0]));
    assert.equal(store.view(102).volume[0], 5);
  });

  test('holds text', () => {
    const store = filled();
    store.apply(43, rows([[201, 0, 'running'], [201, 900, 'stopped']]));
    assert.equal(store.series(201).kind, 'text');
    assert.deepEqual(store.view(201), { length: 2, time: [T, T + 900], last: ['running', 'stopped'], count: [1, 1] });
    assert.deepEqual([store.series(201).last, store.series(201).previous], ['stopped', 'running']);
  });

  test('a series that turns from numbers to text starts over', () => {
    const store = filled();
    store.apply(42, rows([[101, 0, 5], [101, 1, 'five']]));
    assert.deepEqual([store.series(101).kind, store.view(101).last, store.series(101).previous], ['text', ['five'], null]);
  });

  test('a late tick is drawn where it belongs, and is still the latest word', () => {
    const store = filled();
    store.apply(42, rows([[101, 1000, 1], [101, 3000, 3], [101, 2000, 2]]));
    assert.deepEqual([...store.view(101).last], [1, 2, 3]);
    assert.equal(store.series(101).last, 2);
    assert.equal(store.newest(42), T + 3000);
  });

  test('marks what changed, and a taken set stays whole until the next is taken', () => {
    const store = filled();
    store.apply(42, rows([[101, 0, 1]]));
    const first = store.takeDirty();
    assert.deepEqual([...first], [101]);
    store.apply(42, rows([[102, 0, 1]]));
    assert.deepEqual([...first], [101]);
    assert.deepEqual([...store.takeDirty()], [102]);
    assert.equal(store.takeDirty().size, 0);
  });

  test('is bounded', () => {
    const store = new Store();
    store.apply(1, rows(Array.from({ length: 9000 }, (_, n) => [5, n, n])));
    assert.equal(store.view(5).length, 4096);
    assert.equal(store.series(5).ticks, 9000);
  });

  test('a thousand rows need no object each', () => {
    const store = new Store();
    const many = rows(Array.from({ length: 1000 }, (_, n) => [n % 50, n, n]));
    for (let n = 0; n < 300; n += 1) store.apply(1, many); // the rings have grown to their size and the code is compiled
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 50; n += 1) store.apply(1, many); // few enough that nothing is collected meanwhile
    const perRow = (process.memoryUsage().heapUsed - before) / 50_000;
    assert.ok(perRow < 40, `${perRow.toFixed(1)} bytes a row on the heap`);
  });
});

describe('snapshot', () => {
  test('is the truth for the time it spans; what is older stays', () => {
    const store = filled();
    store.apply(42, rows([[101, 0, 1], [101, 1000, 2], [101, 2000, 3], [102, 2000, 9]]));
    store.applySnapshot(42, [rows([[101, 1000, 20], [101, 1500, 25]]), rows([[101, 2500, 30]])], false);
    assert.deepEqual([...store.view(101).time].map((t) => t - T), [0, 1000, 1500, 2500]);
    assert.deepEqual([...store.view(101).last], [1, 20, 25, 30]);
    assert.deepEqual([...store.view(102).last], [9], 'a series that is not in it is untouched');
  });

  test('that only fills touches no series that has rows', () => {
    const store = filled();
    store.apply(42, rows([[101, 0, 1]]));
    store.applySnapshot(42, [{ ...rows([[101, 0, 7], [102, 0, 8], [102, 1, 9]]), q: [1, 2, 3] }], true);
    assert.deepEqual([...store.view(101).last], [1]);
    assert.deepEqual([...store.view(102).last], [8, 9]);
    assert.deepEqual([...store.view(102).volume], [2, 3]);
  });

  test('comes out whole or not at all', () => {
    const snapshots = new Snapshots();
    const part = (n, parts, seq = 9) => ({ src: 42, epoch: 'E', seq, part: n, parts, rows: `rows ${n}` });
    assert.equal(snapshots.add(part(2, 3)), null);
    assert.equal(snapshots.add(part(2, 3)), null, 'the same part twice is still one');
    assert.equal(snapshots.add(part(3, 3)), null);
    assert.deepEqual(snapshots.add(part(1, 3)), ['rows 1', 'rows 2', 'rows 3']);
    assert.equal(snapshots.add(part(1, 2)), null);
    assert.equal(snapshots.add(part(2, 2, 10)), null, 'parts of different snapshots do not mix');
    snapshots.drop(42);
    assert.equal(snapshots.add(part(1, 2, 10)), null);
  });
});

describe('gap marks', () => {
  test('a span without a connection is offline until it has been filled, then repaired', () => {
    const store = filled();
    store.apply(42, rows([[101, 0, 1]]));
    store.takeDirty();
    store.markCut(42, T + 100, 10);
    store.markCut(42, T + 900, 10);
    assert.deepEqual(store.marks(42), [{ cause: 'offline', from: T + 100, to: null, count: null, status: 'offline' }]);
    assert.ok(store.dirty.has(101), 'a mark has to be drawn');
    store.markRepaired(42, T + 5000, 47);
    assert.deepEqual(store.marks(42), [{ cause: 'offline', from: T + 100, to: T + 5000, count: 37, status: 'repaired' }]);
  });

  test('a span that could only be filled in part begins after what is lost', () => {
    const store = filled();
    store.markCut(42, T, 10);
    store.markGap(42, { cause: 'trimmed', from: T, to: T + 3000, a: 11, b: 40, count: 30 });
    store.markRepaired(42, T + 5000, 50);
    const [offline, gap] = store.marks(42);
    assert.deepEqual([offline.status, offline.from, offline.count], ['repaired', T + 3000, 10]);
    assert.deepEqual([gap.status, gap.count], ['gap', 30]);
  });

  test('a span after which everything began anew is lost', () => {
    const store = filled();
    store.markCut(42, T, 10);
    store.markGap(42, { cause: 'epoch', from: T, to: T + 3000, a: 11, b: 10, count: null });
    store.markLost(42, T + 5000);
    assert.deepEqual(store.marks(42).map(({ status, from, to }) => [status, from, to]), [['lost', T, T + 5000], ['gap', T, T + 3000]]);
    store.markLost(42, T + 9000);
    assert.equal(store.marks(42)[0].to, T + 5000);
  });

  test('only the newest 200 are kept', () => {
    const store = filled();
    for (let n = 0; n < 300; n += 1) store.markGap(42, { cause: 'slow', from: n, to: n, a: n, b: n, count: 1 });
    assert.equal(store.marks(42).length, 200);
    assert.equal(store.marks(42)[199].from, 299);
  });
});
