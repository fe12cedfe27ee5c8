import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { standingWords } from '../../../static/js/pages/standing_rows.js';

const NOW = 1_795_361_835_000;
const live = { mode: 'live', end: NOW, known: NOW };
const source = (more) => ({
  src: 42, name: 'Market', cadence: 1, enabled: true, state: 'live', since: NOW - 60_000, last: NOW - 500, hz: 3, msg: '', told: true, worker: 'mill:1', ...more,
});
const words = (more, at = live) => {
  const { shape, word, note } = standingWords(source(more), at);
  return [shape, word, note];
};

describe('the words for how a source stands', () => {
  test('are its state while it is heard of', () => {
    assert.deepEqual(words({}), ['live', 'live', '']);
    assert.deepEqual(words({ state: 'down', msg: 'HTTP 503' }), ['stale', 'down', 'HTTP 503']);
    assert.deepEqual(words({ state: 'degraded', msg: '3 ticks refused' }), ['late', 'degraded', '3 ticks refused']);
  });

  test('never say live of one that does not tick, whatever its last word was', () => {
    assert.deepEqual(words({ last: NOW - 60_000 }), ['stale', 'stale', '']);
    assert.deepEqual(words({ last: NOW - 3_000 }), ['late', 'late', '']);
  });

  test('never say live of one that nobody runs', () => {
    assert.deepEqual(words({ worker: null }), ['unknown', 'unknown', 'No worker runs it.']);
    assert.deepEqual(words({ worker: null, told: false })[1], 'live', 'before the first word on it there is nothing to judge by');
  });

  test('of one that is disabled are those, also while its feed is ending', () => {
    assert.deepEqual(words({ enabled: false }), ['stopped', 'stopped', 'It is disabled.']);
  });

  test('are that nothing is known while the line is cut', () => {
    assert.deepEqual(words({}, { mode: 'cut', end: NOW, known: NOW - 9_000 }), ['unknown', 'unknown', '']);
  });
});
