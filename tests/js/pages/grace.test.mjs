import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Grace } from '../../../static/js/pages/grace.js';

const live = { state: 'live' };
const waiting = { state: 'waiting' };
const connecting = { state: 'connecting' };

function clock() {
  const world = { time: 0 };
  return { world, grace: new Grace(() => world.time) };
}

test('a loss that is repaired within a second is not mentioned', () => {
  const { world, grace } = clock();
  grace.take(live);
  assert.equal(grace.take(waiting), live);
  assert.equal(grace.wait, 1000);
  world.time = 600;
  assert.equal(grace.take(connecting), live);
  assert.equal(grace.wait, 400);
  world.time = 900;
  assert.equal(grace.take(live), live);
  assert.equal(grace.wait, null);
});

test('after a second it is', () => {
  const { world, grace } = clock();
  grace.take(live);
  grace.take(waiting);
  world.time = 1000;
  assert.equal(grace.take(waiting), waiting);
  assert.equal(grace.take(connecting), connecting, 'and from then on every step is');
  assert.equal(grace.wait, null);
});

test('a delay and an end for good are said at once', () => {
  const { grace } = clock();
  grace.take(live);
  assert.equal(grace.take({ state: 'delayed' }).state, 'delayed');
  assert.equal(grace.take({ state: 'closed' }).state, 'closed');
});

test('the first connection needs no grace', () => {
  const { grace } = clock();
  assert.equal(grace.take(connecting), connecting);
  assert.equal(grace.take(waiting), waiting);
});
