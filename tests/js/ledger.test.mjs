import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ledger } from '../../static/js/live/ledger.js';
import { seeded } from './support/clock.mjs';
import { rows } from './support/world.mjs';

const block = (a, b, n = b - a + 1, list = Array.from({ length: n }, (_, r) => [101, r, r])) => ({ src: 42, a, b, n, rows: rows(list) });
const started = (seq = 10) => {
  const ledger = new Ledger(() => ({ from: 1, to: 2 }));
  assert.equal(ledger.snapshot({ src: 42, epoch: 'E', seq }), 'start');
  return ledger;
};
const balanced = ({ published, shown, merged, gap }) => assert.equal(published, shown + merged + gap);

describe('ledger', () => {
  test('ranges that follow each other are taken in', () => {
    const ledger = started();
    assert.equal(ledger.range(block(11, 14)), 'apply');
    assert.equal(ledger.range(block(15, 15)), 'apply');
    const account = ledger.of(42);
    assert.deepEqual([account.pos, account.published, account.shown, account.merged, account.unexplained], [15, 5, 5, 0, 0]);
    balanced(account);
  });

  test('merged rows count for all their ticks', () => {
    const ledger = started();
    ledger.range(block(11, 24, 9, [[101, 0, 1, 4], [102, 0, 2, 3], [101, 1, 3], [102, 1, 4]]));
    const account = ledger.of(42);
    assert.deepEqual([account.published, account.shown, account.merged, account.unexplained], [9, 4, 5, 0]);
    balanced(account);
  });

  test('a range in which nothing was asked for moves the position and nothing else', () => {
    const ledger = started();
    assert.equal(ledger.range(block(11, 500, 0)), 'apply');
    assert.deepEqual([ledger.of(42).pos, ledger.of(42).published], [500, 0]);
  });

  test('rows that do not add up to n are unexplained', () => {
    const ledger = started();
    ledger.range(block(11, 20, 7, [[101, 0, 1, 4]]));
    assert.equal(ledger.of(42).unexplained, 3);
    ledger.range(block(21, 30, 2, [[101, 0, 1, 4]]));
    assert.equal(ledger.of(42).unexplained, 5);
  });

  test('what is here already is dropped and counted', () => {
    const ledger = started();
    ledger.range(block(11, 20));
    assert.equal(ledger.range(block(11, 20)), 'drop');
    assert.equal(ledger.range(block(15, 20)), 'drop');
    assert.equal(ledger.range(block(3, 4)), 'drop');
    const account = ledger.of(42);
    assert.deepEqual([account.pos, account.duplicates, account.duplicateTicks, account.published], [20, 3, 18, 10]);
  });

  test('a range that overlaps in part is dropped, counted, and asked for again', () => {
    const ledger = started();
    ledger.range(block(11, 20));
    assert.equal(ledger.range(block(18, 25)), 'resync');
    const account = ledger.of(42);
    assert.deepEqual([account.pos, account.duplicates, account.duplicateTicks, account.published, account.unexplained], [20, 1, 3, 10, 0]);
  });

  test('a hole is asked for once; what was on its way meanwhile is not counted', () => {
    const ledger = started();
    assert.equal(ledger.range(block(13, 20)), 'resync');
    ledger.asked(42);
    assert.equal(ledger.range(block(21, 25)), 'drop');
    assert.equal(ledger.gap({ src: 42, a: 26, b: 30, why: 'slow', from: 1, to: 2 }), 'drop');
    assert.equal(ledger.snapshot({ src: 42, epoch: 'E', seq: 30 }), 'drop');
    ledger.answer({ src: 42, epoch: 'E', recovered: true, why: null }, false);
    assert.equal(ledger.range(block(11, 30)), 'apply');
    const account = ledger.of(42);
    assert.deepEqual([account.pos, account.published, account.unexplained, account.resyncs, account.discarded, account.duplicates], [30, 20, 0, 1, 3, 0]);
    assert.equal(ledger.range(block(32, 33)), 'resync', 'and a later hole is asked for again');
  });

  test('a hole that asking did not fill is unexplained, and the feed goes on', () => {
    const lost = [];
    const ledger = new Ledger(() => ({ from: 7, to: 8 }), (src, gap) => lost.push(gap));
    ledger.snapshot({ src: 42, epoch: 'E', seq: 10 });
    ledger.range(block(13, 20));
    ledger.asked(42);
    ledger.answer({ src: 42, epoch: 'E', recovered: true, why: null }, false);
    assert.equal(ledger.range(block(13, 20)), 'apply');
    assert.deepEqual([ledger.of(42).unexplained, ledger.of(42).pos, ledger.of(42).published], [2, 20, 8]);
    assert.deepEqual(lost, [{ cause: 'unexplained', a: 11, b: 12, from: 7, to: 8, count: 2 }]);
  });

  test('an overlap that asking did not cure is unexplained: its rows cannot be told apart', () => {
    const ledger = started();
    ledger.range(block(9, 12));
    ledger.asked(42);
    ledger.answer({ src: 42, epoch: 'E', recovered: true, why: null }, false);
    assert.equal(ledger.range(block(9, 12)), 'drop');
    assert.deepEqual([ledger.of(42).pos, ledger.of(42).unexplained, ledger.of(42).published], [12, 2, 0]);
  });

  test('data before any snapshot is asked for, then adopted as unexplained', () => {
    const ledger = new Ledger();
    assert.equal(ledger.range(block(5, 6)), 'resync');
    ledger.asked(42);
    assert.equal(ledger.position(42), null);
    ledger.answer({ src: 42, epoch: 'E', recovered: false, why: 'first' }, false);
    assert.equal(ledger.range(block(7, 8)), 'apply');
    assert.deepEqual([ledger.of(42).pos, ledger.of(42).unexplained], [8, 1]);
  });

  test('a gap is published and will not come', () => {
    const ledger = started();
    assert.equal(ledger.gap({ src: 42, a: 11, b: 30, why: 'trimmed', from: 5, to: 6 }), 'apply');
    assert.equal(ledger.range(block(31, 32)), 'apply');
    const account = ledger.of(42);
    assert.deepEqual([account.published, account.gap, account.pos], [22, 20, 32]);
    assert.deepEqual(account.gaps, [{ cause: 'trimmed', a: 11, b: 30, from: 5, to: 6, count: 20 }]);
    balanced(account);
  });

  test('a gap without times gets those that are known here', () => {
    const ledger = started();
    ledger.gap({ src: 42, a: 11, b: 12, why: 'slow', from: null, to: null });
    assert.deepEqual([ledger.of(42).gaps[0].from, ledger.of(42).gaps[0].to], [1, 2]);
  });

  test('a gap that is partly known counts for its new part only', () => {
    const ledger = started();
    assert.equal(ledger.gap({ src: 42, a: 8, b: 15, why: 'slow', from: 5, to: 6 }), 'apply');
    assert.deepEqual([ledger.of(42).gap, ledger.of(42).duplicateTicks, ledger.of(42).pos], [5, 3, 15]);
    assert.equal(ledger.gap({ src: 42, a: 8, b: 15, why: 'slow', from: 5, to: 6 }), 'drop');
    assert.equal(ledger.gap({ src: 42, a: 18, b: 19, why: 'slow', from: 5, to: 6 }), 'resync');
  });

  for (const why of ['epoch', 'ahead']) {
    test(`a gap of cause ${why} is of unknown number, and a snapshot starts anew`, () => {
      const ledger = started();
      ledger.range(block(11, 12));
      assert.equal(ledger.gap({ src: 42, a: 13, b: 12, why, from: 5, to: 6 }), 'apply');
      assert.equal(ledger.position(42), null);
      ledger.snapshot({ src: 42, epoch: 'F', seq: 3 });
      assert.equal(ledger.range(block(4, 5)), 'apply');
      const account = ledger.of(42);
      assert.deepEqual([account.unknownGaps, account.gap, account.published, account.unexplained], [1, 0, 4, 0]);
      assert.equal(account.gaps[0].count, null);
      balanced(account);
    });
  }

  test('a gap of unknown number for another cause keeps the position', () => {
    const ledger = started();
    assert.equal(ledger.gap({ src: 42, a: 11, b: 10, why: 'source', from: 5, to: 6 }), 'apply');
    assert.equal(ledger.range(block(11, 11)), 'apply');
    assert.deepEqual([ledger.of(42).unknownGaps, ledger.of(42).gap], [1, 0]);
    assert.equal(ledger.gap({ src: 42, a: 5, b: 4, why: 'source', from: 5, to: 6 }), 'drop');
  });

  test('a new epoch without a gap is never joined silently', () => {
    const ledger = started();
    ledger.snapshot({ src: 42, epoch: 'F', seq: 100 });
    assert.equal(ledger.of(42).unknownGaps, 1);
    assert.equal(ledger.of(42).gaps[0].cause, 'epoch');
  });

  test('a snapshot that jumps ahead in the same epoch leaves a gap', () => {
    const ledger = started();
    assert.equal(ledger.snapshot({ src: 42, epoch: 'E', seq: 25 }), 'start');
    assert.deepEqual([ledger.of(42).gap, ledger.of(42).gaps[0].cause], [15, 'restart']);
    balanced(ledger.of(42));
  });

  test('a snapshot that is not newer only fills', () => {
    const ledger = started();
    assert.equal(ledger.snapshot({ src: 42, epoch: 'E', seq: 10 }), 'fill');
    assert.equal(ledger.snapshot({ src: 42, epoch: 'E', seq: 4 }), 'fill');
    assert.equal(ledger.of(42).pos, 10);
  });

  test('a resume of an epoch that this page does not know is not believed', () => {
    const ledger = started();
    ledger.answer({ src: 42, epoch: 'F', recovered: true, why: null }, true);
    assert.equal(ledger.range(block(11, 12)), 'resync');
  });

  test('a source that was left is deaf, and returning to it is no gap', () => {
    const ledger = started();
    ledger.leave(42);
    assert.equal(ledger.range(block(11, 12)), 'drop');
    ledger.answer({ src: 42, epoch: 'E', recovered: false, why: 'first' }, false);
    assert.equal(ledger.snapshot({ src: 42, epoch: 'E', seq: 90 }), 'start');
    assert.deepEqual([ledger.of(42).gap, ledger.of(42).unknownGaps, ledger.of(42).published], [0, 0, 0]);
  });

  test('reconnects are counted per source, a first visit is none', () => {
    const ledger = new Ledger();
    ledger.answer({ src: 42, epoch: 'E', recovered: false, why: 'first' }, true);
    ledger.snapshot({ src: 42, epoch: 'E', seq: 1 });
    ledger.cut();
    ledger.answer({ src: 42, epoch: 'E', recovered: true, why: null }, true);
    assert.equal(ledger.of(42).reconnects, 1);
  });

  test('totals are the sum of the sources', () => {
    const ledger = started();
    ledger.snapshot({ src: 43, epoch: 'E', seq: 0 });
    ledger.range(block(11, 14));
    ledger.range({ ...block(1, 2), src: 43 });
    assert.equal(ledger.total().published, 6);
  });

  test('keeps the last 200 gaps and counts all', () => {
    const ledger = started(0);
    for (let seq = 1; seq <= 250; seq += 1) ledger.gap({ src: 42, a: seq, b: seq, why: 'slow', from: 0, to: 0 });
    assert.equal(ledger.of(42).gaps.length, 200);
    assert.equal(ledger.of(42).gap, 250);
  });

  for (let seed = 1; seed <= 20; seed += 1) {
    test(`any tiling adds up and is contiguous, seed ${seed}`, () => {
      const random = seeded(seed);
      const ledger = started(0);
      let seq = 0;
      let ticks = 0;
      for (let n = 0; n < 200; n += 1) {
        const b = seq + 1 + Math.floor(random() * 9);
        if (random() < 0.1) assert.equal(ledger.gap({ src: 42, a: seq + 1, b, why: 'slow', from: 0, to: 0 }), 'apply');
        else {
          const list = [];
          for (let left = Math.floor(random() * (b - seq + 1)); left > 0; ) {
            const k = 1 + Math.floor(random() * left);
            list.push([101, 0, 1, k]);
            left -= k;
            ticks += k;
          }
          const sum = list.reduce((total, row) => total + row[3], 0);
          assert.equal(ledger.range(block(seq + 1, b, sum, list)), 'apply');
        }
        seq = b;
        if (random() < 0.2) assert.equal(ledger.range(block(Math.max(1, seq - 1), seq)), 'drop');
      }
      const account = ledger.of(42);
      balanced(account);
      assert.deepEqual([account.pos, account.unexplained, account.published - account.gap], [seq, 0, ticks]);
    });
  }
});
