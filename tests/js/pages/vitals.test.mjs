import assert from 'node:assert/strict';
import { test } from 'node:test';

import { condition, tally, vital } from '../../../static/js/pages/vitals.js';

const source = (more) => ({ src: 1, name: 'Market', cadence: 1, state: 'live', last: 100_000, since: 0, ...more });
const at = (end, mode = 'live', known = end) => ({ mode, end, known });

test('a source is judged by its cadence', () => {
  const levels = [101_000, 102_600, 105_100].map((end) => vital(source(), at(end)).level);
  assert.deepEqual(levels, ['live', 'late', 'stale']);
});

test('a source that never ticked has no age, and is stale in the end', () => {
  const { level, age } = vital(source({ last: null, since: 90_000 }), at(100_000));
  assert.deepEqual([level, age], ['stale', null]);
});

test('a source that is switched off is stale at once, and called stopped', () => {
  assert.deepEqual(Object.values(vital(source({ state: 'stopped' }), at(100_100))).slice(2, 5), ['stale', 'stopped', 'stopped']);
});

test('with the line cut only what was old before says so itself', () => {
  assert.equal(vital(source(), at(160_000, 'cut', 101_000)).level, 'unknown');
  const late = vital(source(), at(160_000, 'cut', 103_000));
  assert.deepEqual([late.level, late.age], ['stale', 60_000]);
});

test('a paused page is judged as it was', () => {
  assert.equal(vital(source(), at(101_000, 'paused')).level, 'live');
});

test('a source that is down keeps its figures until they are old', () => {
  assert.equal(vital(source({ state: 'down' }), at(100_500)).level, 'live');
  assert.equal(vital(source({ state: 'down' }), at(110_000)).word, 'down');
});

test('a source that is starting is not called stale, though what is here of it is old', () => {
  const { level, shape, word } = vital(source({ state: 'starting' }), at(640_000));
  assert.deepEqual([level, shape, word], ['stale', 'unknown', 'starting']);
  assert.equal(condition(source({ state: 'starting' }), at(640_000)).word, 'starting');
});

test('the condition of a source is the worker\'s word and the page\'s own judgement', () => {
  const words = (more, end = 100_500) => condition(source(more), at(end)).word;
  assert.deepEqual(
    [words(), words({ state: 'down' }), words({ state: 'stopped' }), words({ state: 'degraded' }), words({ state: 'starting', last: null }), words({ state: 'unknown' })],
    ['live', 'down', 'stopped', 'degraded', 'starting', 'starting'],
  );
  assert.equal(words({}, 110_000), 'stale', 'a worker that died last said live');
  assert.equal(condition(source(), at(100_500, 'cut', 100_100)).word, 'unknown');
});

test('sources are counted by their shape', () => {
  assert.deepEqual(tally(['live', 'live', 'late', 'stopped'].map((shape) => ({ shape }))), { live: 2, late: 1, stale: 0, unknown: 1 });
});
