import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Silences, holes } from '../../../static/js/pages/silences.js';

test('a hole is a distance that is too long', () => {
  assert.deepEqual(holes([0, 1000, 9000, 9500], 5000), [{ from: 1000, to: 9000 }]);
});

const LIMIT = 5000;
const world = (rows) => (from, to) => rows.filter((time) => (from === null || time >= from) && time <= to);

test('what came with the page is searched once, then only what follows', () => {
  const rows = [0, 1000, 21_000, 22_000];
  const asked = [];
  const times = (from, to) => (asked.push([from, to]), world(rows)(from, to));
  const silences = new Silences();
  silences.look(7, 22_000, LIMIT, times);
  assert.deepEqual(silences.of(7), [{ from: 1000, to: 21_000 }]);
  rows.push(23_000);
  silences.look(7, 23_000, LIMIT, times);
  assert.deepEqual(asked, [[null, 22_000]], 'a source that ticks in time is not searched again');
  rows.push(43_000);
  silences.look(7, 43_000, LIMIT, times);
  assert.deepEqual(silences.of(7).at(-1), { from: 23_000, to: 43_000 });
});

test('a stretch that was filled in after a cut is no silence', () => {
  const rows = [0, 1000];
  const silences = new Silences();
  silences.look(7, 1000, LIMIT, world(rows));
  for (let time = 2000; time <= 60_000; time += 1000) rows.push(time);
  silences.look(7, 60_000, LIMIT, world(rows));
  assert.deepEqual(silences.of(7), []);
});

test('rows merged to whole seconds may stand a second further apart', () => {
  const silences = new Silences();
  silences.look(7, 5900, LIMIT, world([0, 5900]));
  assert.deepEqual(silences.of(7), []);
});

test('nothing known is no silence, and after forgetting all is searched again', () => {
  const silences = new Silences();
  silences.look(7, null, LIMIT, () => assert.fail('there is nothing to search'));
  silences.look(7, 20_000, LIMIT, world([0, 20_000]));
  silences.forget();
  silences.look(7, 20_000, LIMIT, world([0, 20_000]));
  assert.equal(silences.of(7).length, 1);
});
