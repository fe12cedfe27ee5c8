import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NumberRing, TextRing } from '../../static/js/live/ring.js';
import { seeded } from './support/clock.mjs';

const COLUMNS = ['time', 'last', 'open', 'high', 'low', 'volume', 'count'];

/** The plainest thing that could be right: a list, kept in order of time, cut to the newest. */
class PlainList {
  rows = [];

  constructor(capacity) {
    this.capacity = capacity;
  }

  push(...row) {
    let at = this.rows.length;
    while (at > 0 && this.rows[at - 1][0] > row[0]) at -= 1;
    if (at === 0 && this.rows.length === this.capacity) return;
    this.rows.splice(at, 0, row);
    if (this.rows.length > this.capacity) this.rows.shift();
  }

  cutFrom(time) {
    this.rows = this.rows.filter((row) => row[0] < time);
  }
}

const same = (ring, list, note) => {
  const view = ring.view();
  assert.equal(view.length, list.rows.length, note);
  COLUMNS.forEach((name, c) => assert.deepEqual([...view[name]], list.rows.map((row) => row[c]), `${note} ${name}`));
};

describe('ring', () => {
  for (let seed = 1; seed <= 24; seed += 1) {
    test(`equals a plain list, seed ${seed}`, () => {
      const random = seeded(seed);
      const capacity = [1, 2, 3, 7, 50, 300, 700][seed % 7];
      const merged = seed % 2 === 0;
      const ring = new NumberRing(capacity);
      const list = new PlainList(capacity);
      let time = 1000;
      for (let n = 0; n < capacity * 5 + 40; n += 1) {
        time += Math.floor(random() * 4);
        const at = random() < 0.1 ? time - Math.floor(random() * 30) : time;
        const last = Math.floor(random() * 1000);
        const swing = merged && random() < 0.3;
        const row = [at, last, swing ? last - 1 : last, swing ? last + 5 : last, swing ? last - 5 : last, random() < 0.2 ? NaN : n, swing ? 4 : 1];
        ring.push(...row);
        list.push(...row);
        if (random() < 0.01) {
          ring.cutFrom(time - 5);
          list.cutFrom(time - 5);
        }
        if (n % 17 === 0) same(ring, list, `after ${n}`);
      }
      same(ring, list, 'at the end');
    });
  }

  test('a view costs no copy', () => {
    const ring = new NumberRing(100);
    for (let n = 0; n < 250; n += 1) ring.push(n, n, n, n, n, n, 1);
    const view = ring.view();
    assert.equal(view.length, 100);
    assert.equal(view.time.buffer, ring.time.buffer);
    assert.equal(view.open, view.last, 'no swing, no memory for it');
  });

  test('keeps the swing of rows that came before the first merged one', () => {
    const ring = new NumberRing(10);
    ring.push(1, 5, 5, 5, 5, NaN, 1);
    ring.push(2, 6, 5, 9, 4, NaN, 7);
    const { open, high, low, count } = ring.view();
    assert.deepEqual([...open], [5, 5]);
    assert.deepEqual([...high], [5, 9]);
    assert.deepEqual([...low], [5, 4]);
    assert.deepEqual([...count], [1, 7]);
  });

  test('finds the first row of a window', () => {
    const ring = new NumberRing(10);
    for (const time of [10, 20, 20, 30]) ring.push(time, 0, 0, 0, 0, 0, 1);
    assert.deepEqual([5, 10, 15, 20, 21, 30, 31].map((time) => ring.indexAt(time)), [0, 0, 1, 1, 3, 3, 4]);
  });

  test('a row older than everything in a full ring is not kept', () => {
    const ring = new NumberRing(2);
    for (const time of [10, 20]) ring.push(time, 0, 0, 0, 0, 0, 1);
    assert.equal(ring.push(5, 0, 0, 0, 0, 0, 1), false);
    assert.deepEqual([...ring.view().time], [10, 20]);
  });

  for (let seed = 1; seed <= 6; seed += 1) {
    test(`of text equals a plain list, seed ${seed}`, () => {
      const random = seeded(seed);
      const ring = new TextRing(5);
      const list = new PlainList(5);
      let time = 0;
      for (let n = 0; n < 60; n += 1) {
        time += Math.floor(random() * 3);
        const at = random() < 0.15 ? time - 4 : time;
        ring.push(at, `v${n}`, 1);
        list.push(at, `v${n}`, 1);
        assert.deepEqual(ring.view().time, list.rows.map((row) => row[0]));
        assert.deepEqual(ring.view().last, list.rows.map((row) => row[1]));
      }
    });
  }
});
