import assert from 'node:assert/strict';
import { test } from 'node:test';

import { quote } from '../../../static/js/panels/quote.js';

test('a change is against the first value of the window', () => {
  assert.deepEqual(quote({ last: 110, decimals: 2 }, 100), {
    value: 110, change: 10, percent: 10, text: { last: '110.00', change: '+10.00', percent: '+10.00' }, way: 'up',
  });
});

test('a change that cannot be seen has no direction', () => {
  assert.equal(quote({ last: 100.001, decimals: 2 }, 100).way, 'flat');
});

test('percent of nothing is unknown, and of a negative value keeps its sense', () => {
  assert.equal(quote({ last: 5, decimals: 0 }, 0).text.percent, '–');
  assert.equal(quote({ last: -5, decimals: 0 }, -10).text.percent, '+50.00');
});

test('without a first value nothing is said of a change', () => {
  assert.deepEqual(quote({ last: 5, decimals: 1 }, null).text, { last: '5.0', change: '–', percent: '–' });
});

test('nothing known and text have no change', () => {
  assert.deepEqual(quote({ last: null, decimals: 2 }, null).text, { last: '–', change: '–', percent: '–' });
  assert.deepEqual(quote({ last: '<b>closed</b>', decimals: 2 }, null).text, { last: '<b>closed</b>', change: '–', percent: '–' });
});
