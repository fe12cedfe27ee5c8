import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Backoff } from '../../static/js/live/backoff.js';
import { seeded } from './support/clock.mjs';

const most = () => 0.999999999;
const least = () => 0;
const delays = (random, times, code = 1006, hint) => {
  const backoff = new Backoff(random);
  return Array.from({ length: times }, () => backoff.next(code, hint));
};

describe('back-off', () => {
  test('grows from 1 s to 20 s and no further', () => {
    assert.deepEqual(delays(most, 8).map(Math.round), [1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000]);
  });

  test('is full jitter: any delay down to 0', () => {
    assert.deepEqual(delays(least, 5), [0, 0, 0, 0, 0]);
    const spread = delays(seeded(3), 400).slice(6);
    assert.ok(Math.min(...spread) < 1000 && Math.max(...spread) > 19000);
    const mean = spread.reduce((a, b) => a + b) / spread.length;
    assert.ok(mean > 9000 && mean < 11000, `mean ${mean}`);
  });

  test('starts anew only after 5 s live', () => {
    const backoff = new Backoff(most);
    for (let n = 0; n < 4; n += 1) backoff.next(1006);
    backoff.settle(4999);
    assert.equal(Math.round(backoff.next(1006)), 16000);
    backoff.settle(5000);
    assert.equal(Math.round(backoff.next(1006)), 1000);
  });

  for (const [code, floor] of [[4008, 5000], [4013, 10000], [4029, 30000], [1013, 1000]]) {
    test(`${code} waits at least ${floor / 1000} s`, () => {
      assert.equal(delays(least, 1, code)[0], floor);
      assert.ok(delays(most, 1, code)[0] > floor);
      assert.equal(delays(least, 1, code, { retry: [0, 100] })[0], floor, 'a wish cannot undercut it');
    });
  }

  test('a restart spreads the returns over the range of the bye', () => {
    assert.equal(delays(least, 1, 4001, { retry: [500, 8000] })[0], 500);
    assert.equal(Math.round(delays(most, 1, 4001, { retry: [500, 8000] })[0]), 8000);
  });

  test('a restart whose bye was lost spreads the returns as the server would have', () => {
    assert.equal(delays(least, 1, 4001)[0], 250);
    assert.equal(Math.round(delays(most, 1, 4001)[0]), 3500);
  });

  test('an aged connection returns within 2 s, a restarted server within its spread', () => {
    assert.equal(Math.round(delays(most, 1, 4002)[0]), 2000);
    for (const code of [1001, 1012]) assert.equal(Math.round(delays(most, 1, code, { spread: 7 })[0]), 7000);
  });

  test('a short wish that keeps failing does not become a hammer', () => {
    assert.deepEqual(delays(most, 4, 4002, { retry: [0, 10] }).map(Math.round), [10, 2000, 4000, 8000]);
  });

  test('no wish sends a viewer away for hours', () => {
    assert.ok(delays(most, 1, 4001, { retry: [0, 1e9] })[0] <= 120_000);
  });
});
