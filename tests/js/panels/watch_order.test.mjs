import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nextOrder, ordered } from '../../../static/js/panels/watch_order.js';

const rows = [
  { id: 1, place: 0, symbol: 'NQ', name: 'Nasdaq 100', age: null, last: 18312.5, change: 3, pct: 0.1 },
  { id: 2, place: 1, symbol: 'aapl', name: 'Apple', age: 3400, last: 189, change: -2, pct: -1 },
  { id: 3, place: 2, symbol: 'ES', name: 'S&P 500', age: null, last: null, change: null, pct: null },
  { id: 4, place: 3, symbol: 'DAX', name: 'DAX 40', age: 72_000, last: 18492, change: 3, pct: -0.5 },
];
const ids = (order) => ordered(rows, order).map(({ id }) => id);

test('without a wish the order is the server\'s', () => {
  assert.deepEqual(ids(null), [1, 2, 3, 4]);
});

test('names go from A whatever their case, figures by size, and what is unknown comes last either way', () => {
  assert.deepEqual(ids({ key: 'symbol', direction: 'ascending' }), [2, 4, 3, 1]);
  assert.deepEqual(ids({ key: 'last', direction: 'descending' }), [4, 1, 2, 3]);
  assert.deepEqual(ids({ key: 'last', direction: 'ascending' }), [2, 1, 4, 3]);
  assert.deepEqual(ids({ key: 'age', direction: 'descending' }), [4, 2, 1, 3]);
});

test('rows that are equal keep the server\'s order', () => {
  assert.deepEqual(ids({ key: 'change', direction: 'descending' }), [1, 4, 2, 3]);
});

test('a head turns the order round, then gives the server\'s back', () => {
  const first = nextOrder(null, 'pct');
  assert.deepEqual(first, { key: 'pct', direction: 'descending' });
  const second = nextOrder(first, 'pct');
  assert.deepEqual(second, { key: 'pct', direction: 'ascending' });
  assert.equal(nextOrder(second, 'pct'), null);
  assert.deepEqual(nextOrder(second, 'name'), { key: 'name', direction: 'ascending' });
});
