import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Sweep } from '../../../static/js/panels/sweep.js';

class World {
  time = 0;
  timers = [];
  ids = 0;
  still = false;
  sweep = new Sweep({
    now: () => this.time, random: () => 0, still: () => this.still,
    setTimeout: (fn, ms) => (this.timers.push({ fn, at: this.time + ms, id: (this.ids += 1) }), this.ids), clearTimeout: (gone) => (this.timers = this.timers.filter(({ id }) => id !== gone)),
  });

  pass(ms) {
    for (const end = this.time + ms; this.time < end; ) {
      this.time += 50;
      const due = this.timers.filter(({ at }) => at <= this.time);
      this.timers = this.timers.filter(({ at }) => at > this.time);
      due.forEach(({ fn }) => fn());
    }
  }
}

function cell() {
  const names = new Set();
  return { dataset: {}, classList: { add: (name) => names.add(name), remove: (name) => names.delete(name) }, get lit() { return names.has('lit'); } };
}

test('a cell is lit for four tenths of a second', () => {
  const world = new World();
  const one = cell();
  world.sweep.light(one, 'up');
  assert.ok(one.lit);
  assert.equal(one.dataset.way, 'up');
  world.pass(300);
  assert.ok(one.lit);
  world.pass(250);
  assert.ok(!one.lit);
  assert.equal(world.timers.length, 0);
});

test('a cell lights once a second at most, less often by chance', () => {
  const world = new World();
  const one = cell();
  let lights = 0;
  one.classList.add = () => (lights += 1);
  for (let i = 0; i < 100; i += 1) {
    world.sweep.light(one, 'down');
    world.pass(50);
  }
  assert.ok(lights <= 6, `${lights} in 5 s`);
});

test('many cells share one timer', () => {
  const world = new World();
  for (let i = 0; i < 50; i += 1) world.sweep.light(cell(), 'up');
  assert.equal(world.timers.length, 1);
});

test('while cells are lit with each drawing, lights go out with it and not by themselves', () => {
  const world = new World();
  const first = cell();
  world.sweep.light(first, 'up');
  const out = [];
  for (let i = 0; i < 5; i += 1) {
    world.pass(100);
    const before = first.lit;
    world.sweep.light(cell(), 'up');
    out.push([before, first.lit]);
  }
  assert.deepEqual(out, [[true, true], [true, true], [true, true], [true, false], [false, false]]);
  assert.equal(world.timers.length, 1);
});

test('who wants no motion gets none', () => {
  const world = new World();
  world.still = true;
  const one = cell();
  world.sweep.light(one, 'up');
  assert.ok(!one.lit);
});

test('all lights go out when the page stops', () => {
  const world = new World();
  const one = cell();
  world.sweep.light(one, 'up');
  world.sweep.clear();
  assert.ok(!one.lit);
});
