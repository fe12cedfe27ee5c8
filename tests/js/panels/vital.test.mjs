import assert from 'node:assert/strict';
import { test } from 'node:test';

import { headOf, vitalWords } from '../../../static/js/panels/vital.js';

const vital = (name, level, age, word = level) => ({ src: 1, name, level, shape: level, word, age });

test('what is fresh says nothing', () => {
  assert.deepEqual(headOf([vital('A', 'live', 100)]), { stale: false, badge: null });
  assert.deepEqual(headOf([]), { stale: false, badge: null });
  assert.deepEqual(headOf([vital('A', 'unknown', 100)]), { stale: false, badge: null });
});

test('a late source is named by its age, a stale one frames it', () => {
  assert.deepEqual(headOf([vital('A', 'late', 3400)]), { stale: false, badge: { shape: 'late', text: 'late 3.4 s', framed: false } });
  assert.deepEqual(headOf([vital('A', 'stale', 72_000)]), { stale: true, badge: { shape: 'stale', text: 'stale 1 m 12 s', framed: true } });
});

test('one stale source of several is named, and the panel goes on', () => {
  const { stale, badge } = headOf([vital('FX', 'stale', 72_000), vital('Crypto', 'live', 10)]);
  assert.equal(stale, false);
  assert.equal(badge.text, 'FX stale 1 m 12 s');
  assert.equal(headOf([vital('FX', 'stale', 9e4), vital('Oil', 'late', 5000), vital('C', 'live', 1)]).badge.text, 'FX stale 1 m 30 s, +1');
});

test('when all are stale the panel is, and says the greatest age', () => {
  assert.deepEqual(headOf([vital('A', 'stale', 20_000), vital('B', 'stale', 30_000)]), { stale: true, badge: { shape: 'stale', text: 'stale 30 s', framed: true } });
});

test('a source that was stopped or never spoke says so', () => {
  assert.equal(headOf([vital('A', 'stale', 2000, 'stopped')]).badge.text, 'stopped 2.0 s');
  assert.equal(headOf([vital('A', 'stale', 540_000, 'starting')]).badge.text, 'starting, 9 m 00 s old');
  assert.equal(vitalWords(vital('A', 'stale', null)), 'no data');
  assert.equal(vitalWords(vital('A', 'stale', null, 'stopped')), 'stopped');
});
