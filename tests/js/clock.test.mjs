import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ServerClock } from '../../static/js/live/clock.js';
import { judge } from '../../static/js/live/freshness.js';
import { FakeClock } from './support/clock.mjs';

const HOUR = 3_600_000;
const SERVER = 1_795_361_830_000;

describe('server clock', () => {
  for (const skew of [0, HOUR, -HOUR]) {
    test(`does not care that the viewer's clock is ${skew / HOUR} h off`, () => {
      const fake = new FakeClock();
      fake.wallOffset = SERVER + skew;
      const clock = new ServerClock(fake);
      assert.equal(clock.now(), SERVER + skew + fake.now(), 'until the server speaks there is nothing better');
      assert.equal(clock.synced, false);
      clock.sample(SERVER + fake.now());
      fake.advance(5000);
      assert.equal(clock.now(), SERVER + fake.now());
      assert.equal(clock.skew(), skew);
    });
  }

  test('does not move when the viewer sets his clock', () => {
    const fake = new FakeClock();
    const clock = new ServerClock(fake);
    clock.sample(SERVER + fake.now());
    const before = clock.now();
    fake.wallOffset += HOUR;
    assert.equal(clock.now(), before);
    fake.wallOffset -= 2 * HOUR;
    assert.equal(clock.now(), before);
  });

  test('takes the median of five, so one late heartbeat changes nothing', () => {
    const fake = new FakeClock();
    const clock = new ServerClock(fake);
    for (const delay of [10, 12, 4000, 11, 9]) clock.sample(SERVER + fake.now() - delay);
    assert.equal(clock.now(), SERVER + fake.now() - 11);
  });

  test('keeps only the last five samples', () => {
    const fake = new FakeClock();
    const clock = new ServerClock(fake);
    for (const delay of [900, 900, 900, 10, 10, 10]) clock.sample(SERVER + fake.now() - delay);
    assert.equal(clock.now(), SERVER + fake.now() - 10);
  });

  test('adds half the round trip', () => {
    const fake = new FakeClock();
    const clock = new ServerClock(fake);
    clock.sample(SERVER + fake.now() - 40, 80);
    assert.equal(clock.now(), SERVER + fake.now());
    assert.equal(clock.rtt, 80);
  });

  test('sees at once that the monotonic clock stood still while the machine slept', () => {
    const fake = new FakeClock();
    const clock = new ServerClock(fake);
    for (let n = 0; n < 5; n += 1) clock.sample(SERVER + fake.now());
    clock.sample(SERVER + fake.now() + HOUR);
    assert.equal(clock.now(), SERVER + fake.now() + HOUR);
  });

  test('a new connection forgets the samples of the old one', () => {
    const fake = new FakeClock();
    const clock = new ServerClock(fake);
    for (let n = 0; n < 5; n += 1) clock.sample(SERVER + fake.now());
    clock.restart();
    clock.sample(SERVER + fake.now() - 700);
    assert.equal(clock.now(), SERVER + fake.now() - 700);
  });
});

describe('freshness', () => {
  const at = (age, cadence = 1) => judge({ cadence, last: 1e6, since: 0, now: 1e6 + age });

  test('late after 1.5 cadences and a second, stale after 3 and two seconds', () => {
    for (const [age, level] of [[0, 'fresh'], [2500, 'fresh'], [2501, 'late'], [5000, 'late'], [5001, 'stale'], [HOUR, 'stale']]) {
      assert.equal(at(age).level, level, `${age} ms`);
    }
    for (const [age, level] of [[91_000, 'fresh'], [91_001, 'late'], [182_000, 'late'], [182_001, 'stale']]) assert.equal(at(age, 60).level, level);
  });

  test('says when the level will change', () => {
    assert.equal(at(0).changesAt, 1e6 + 2500);
    assert.equal(at(3000).changesAt, 1e6 + 5000);
    assert.equal(at(6000).changesAt, null);
  });

  test('without any data it is empty at first, and then as overdue as any other', () => {
    const none = (waited) => judge({ cadence: 1, last: null, since: 1e6, now: 1e6 + waited });
    assert.deepEqual([0, 2500, 2501, 5001].map((ms) => none(ms).level), ['empty', 'empty', 'late', 'stale']);
    assert.equal(none(9000).age, null);
    assert.equal(none(9000).empty, true);
  });

  test('a source whose clock is ahead has not ticked in the future', () => {
    const ahead = judge({ cadence: 1, last: 1e6 + 5000, since: 0, now: 1e6 });
    assert.equal(ahead.level, 'fresh');
    assert.equal(ahead.age, 0);
  });
});
