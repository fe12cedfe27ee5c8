import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fold, stepFor } from '../../../static/js/charts/fold.js';
import { stepWords } from '../../../static/js/panels/words.js';
import { NumberRing } from '../../../static/js/live/ring.js';

/** Numbers that look random and are the same in every run. */
function random(seed) {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

function market(next, number) {
  const ticks = [];
  let time = 1_795_361_835_123;
  let price = 100;
  for (let i = 0; i < number; i += 1) {
    time += Math.floor(next() * 900);
    price = Math.round((price + (next() - 0.5) * 4) * 100) / 100;
    ticks.push({ time, price, volume: next() < 0.2 ? NaN : Math.round(next() * 50) });
  }
  return ticks;
}

/** Merges runs of ticks of a random length, never across a whole second, as the server does. */
function merge(ticks, next) {
  const rows = [];
  for (let i = 0; i < ticks.length; ) {
    const second = Math.floor(ticks[i].time / 1000);
    const most = 1 + Math.floor(next() * 8);
    let end = i;
    while (end < ticks.length && end - i < most && Math.floor(ticks[end].time / 1000) === second) end += 1;
    rows.push(ticks.slice(i, end));
    i = end;
  }
  return rows;
}

const ring = (rows) => {
  const made = new NumberRing(10_000);
  for (const row of rows) {
    const prices = row.map(({ price }) => price);
    const volume = row.reduce((sum, tick) => sum + (tick.volume || 0), 0);
    made.push(row.at(-1).time, prices.at(-1), prices[0], Math.max(...prices), Math.min(...prices), volume, row.length);
  }
  return made.view();
};

test('candles are the same whether their ticks came one by one or merged', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const next = random(seed);
    const ticks = market(next, 600);
    const single = ring(ticks.map((tick) => [tick]));
    const merged = ring(merge(ticks, next));
    assert.ok(merged.length < single.length);
    for (const step of [1_000, 5_000, 15_000, 60_000]) assert.deepEqual(fold(merged, step), fold(single, step), `seed ${seed}, ${step} ms`);
  }
});

test('a candle opens with its first tick and closes with its last', () => {
  const view = ring([[10_000, 5], [10_400, 9], [10_900, 3], [11_000, 4]].map(([time, price]) => [{ time, price, volume: 2 }]));
  assert.deepEqual(fold(view, 1_000), [
    { time: 10_000, open: 5, high: 9, low: 3, close: 3, volume: 6, count: 3 },
    { time: 11_000, open: 4, high: 4, low: 4, close: 4, volume: 2, count: 1 },
  ]);
});

test('folding may begin at a later row', () => {
  const view = ring([[1_000, 1], [2_000, 2]].map(([time, price]) => [{ time, price, volume: NaN }]));
  assert.deepEqual(fold(view, 1_000, 1).map(({ time }) => time), [2_000]);
});

test('without a wish the window decides on about sixty candles', () => {
  assert.equal(stepFor(undefined, 60), 1_000);
  assert.equal(stepFor(undefined, 300), 5_000);
  assert.equal(stepFor(undefined, 900), 15_000);
  assert.equal(stepFor(undefined, 36_000), 60_000);
  assert.equal(stepFor(15, 60), 15_000);
  assert.equal(stepFor(7, 300), 7_000);
  assert.equal(stepFor('nonsense', 300), 5_000);
  assert.equal(stepFor(0.5, 300), 5_000);
});

test('a step is said in words', () => {
  assert.equal(stepWords(5_000), '5 s');
  assert.equal(stepWords(60_000), '1 m');
});
