import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Scheduler } from '../../../static/js/panels/scheduler.js';

/** Frames and timers that come when the test says so. */
class Screen {
  time = 0;
  frames = [];
  timers = [];
  thrown = [];
  seams = {
    now: () => this.time,
    requestFrame: (fn) => this.frames.push(fn),
    cancelFrame: () => (this.frames = []),
    setTimeout: (fn, ms) => {
      const timer = { fn, at: this.time + ms };
      this.timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => (this.timers = this.timers.filter((other) => other !== timer)),
  };
  scheduler = new Scheduler(this.seams, (panel, error) => this.thrown.push([panel, error.message]));

  panel(cost = 0) {
    const panel = { drawn: 0, draw: () => ((panel.drawn += 1), (this.time += panel.cost)), cost };
    return panel;
  }

  /** Lets `ms` pass with a frame every 16 of them. */
  run(ms) {
    const end = this.time + ms;
    while (this.time < end) {
      this.time += 16;
      for (const timer of this.timers.filter(({ at }) => at <= this.time)) {
        this.timers = this.timers.filter((other) => other !== timer);
        timer.fn();
      }
      this.frame();
    }
  }

  frame() {
    const due = this.frames;
    this.frames = [];
    for (const fn of due) fn();
  }
}

test('many marks are one drawing', () => {
  const screen = new Screen();
  const panel = screen.panel();
  screen.scheduler.add(panel);
  screen.run(200);
  assert.equal(panel.drawn, 1);
  for (let i = 0; i < 50; i += 1) screen.scheduler.mark(panel);
  assert.equal(screen.frames.length, 1);
  screen.run(200);
  assert.equal(panel.drawn, 2);
});

test('a panel that changes all the time is drawn ten times a second', () => {
  const screen = new Screen();
  const panel = screen.panel();
  screen.scheduler.add(panel);
  for (let i = 0; i < 1000; i += 1) {
    screen.scheduler.mark(panel);
    screen.run(1);
  }
  const seconds = screen.time / 1000;
  assert.ok(panel.drawn <= 10.5 * seconds, `${panel.drawn} in ${seconds} s`);
  assert.ok(panel.drawn >= 8 * seconds, `${panel.drawn} in ${seconds} s`);
});

test('without changes nothing is asked of the browser', () => {
  const screen = new Screen();
  screen.scheduler.add(screen.panel());
  screen.run(100);
  assert.deepEqual([screen.frames.length, screen.timers.length], [0, 0]);
});

test('what is out of sight costs nothing and is drawn once when it comes into view', () => {
  const screen = new Screen();
  const panel = screen.panel();
  screen.scheduler.add(panel, false);
  for (let i = 0; i < 10; i += 1) screen.scheduler.mark(panel);
  screen.run(500);
  assert.equal(panel.drawn, 0);
  assert.equal(screen.frames.length, 0);
  screen.scheduler.setVisible(panel, true);
  screen.run(500);
  assert.equal(panel.drawn, 1);
});

test('a hidden page draws nothing, and everything once when it is back', () => {
  const screen = new Screen();
  const panels = [screen.panel(), screen.panel()];
  panels.forEach((panel) => screen.scheduler.add(panel));
  screen.run(100);
  screen.scheduler.setHidden(true);
  screen.scheduler.markAll();
  assert.equal(screen.frames.length, 0);
  screen.run(1000);
  assert.deepEqual(panels.map(({ drawn }) => drawn), [1, 1]);
  screen.scheduler.setHidden(false);
  screen.run(300);
  assert.deepEqual(panels.map(({ drawn }) => drawn), [2, 2]);
});

test('slow panels take turns, and none starves', () => {
  const screen = new Screen();
  const panels = Array.from({ length: 6 }, () => screen.panel(3));
  panels.forEach((panel) => screen.scheduler.add(panel));
  screen.frame();
  assert.equal(panels.filter(({ drawn }) => drawn).length, 1);
  for (let i = 0; i < 200; i += 1) {
    screen.scheduler.markAll();
    screen.run(1);
  }
  const counts = panels.map(({ drawn }) => drawn);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts));
});

test('text is written when all panels of the frame are drawn', () => {
  const screen = new Screen();
  const done = [];
  const panel = (name) => ({ draw: () => done.push(`draw ${name}`), write: () => done.push(`write ${name}`) });
  for (const name of ['a', 'b']) screen.scheduler.add(panel(name));
  screen.run(50);
  assert.deepEqual(done, ['draw a', 'draw b', 'write a', 'write b']);
});

test('a panel that cannot write is taken out, and one that could not draw is not asked to', () => {
  const screen = new Screen();
  const mute = { draw() {}, write: () => { throw new Error('no page'); } };
  const broken = { draw: () => { throw new Error('no canvas'); }, write: () => assert.fail() };
  const panel = screen.panel();
  for (const each of [mute, broken, panel]) screen.scheduler.add(each);
  screen.run(50);
  assert.deepEqual(screen.thrown, [[broken, 'no canvas'], [mute, 'no page']]);
  assert.equal(panel.drawn, 1);
});

test('a panel that throws is taken out and the others go on', () => {
  const screen = new Screen();
  const broken = { draw: () => { throw new Error('no canvas'); } };
  const panel = screen.panel();
  screen.scheduler.add(broken);
  screen.scheduler.add(panel);
  screen.run(50);
  assert.deepEqual(screen.thrown, [[broken, 'no canvas']]);
  assert.equal(panel.drawn, 1);
  screen.scheduler.markAll();
  screen.run(300);
  assert.equal(screen.thrown.length, 1);
});
