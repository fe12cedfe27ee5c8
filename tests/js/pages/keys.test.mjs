import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shortcutOf } from '../../../static/js/pages/keys.js';
import { compare, readAreas } from '../../../static/js/pages/layout.js';
import { Voice } from '../../../static/js/pages/voice.js';

const press = (key, more = {}) => ({ key, altKey: false, ctrlKey: false, metaKey: false, ...more });
/** An element that is inside of what it is said to be inside of. */
const inside = (...tags) => ({ closest: (selector) => tags.some((tag) => selector.split(/[ ,:[]+/).includes(tag)) || null, scrollHeight: 10, clientHeight: 10 });

test('a single key is a shortcut, whatever its case', () => {
  assert.equal(shortcutOf(press('L'), inside('main')), 'l');
  assert.equal(shortcutOf(press('?'), null), '?');
  assert.equal(shortcutOf(press(' '), inside('main')), ' ');
});

test('nothing is while somebody types, holds another key down, or a sheet is open', () => {
  for (const tag of ['textarea', 'select', 'input', 'dialog']) assert.equal(shortcutOf(press('l'), inside(tag)), null, tag);
  for (const held of ['altKey', 'ctrlKey', 'metaKey', 'isComposing', 'repeat', 'defaultPrevented']) assert.equal(shortcutOf(press('l', { [held]: true }), inside('main')), null, held);
  assert.equal(shortcutOf(press('Escape'), inside('main')), null);
});

test('space presses the button in focus instead', () => {
  assert.equal(shortcutOf(press(' '), inside('button')), null);
  assert.equal(shortcutOf(press('l'), inside('button')), 'l');
});

test('areas are read from the style of the page', () => {
  const { rows, areas } = readAreas('.grid { --rows: 10 }\n#panel-7 { --area: 1 / 1 / span 6 / span 7; --h: 6; --ch: 8 }\n#panel-12 { --area: 2 / 3 / span 1 / span 2; --h: 1 }');
  assert.equal(rows, '10');
  assert.deepEqual(areas.get(7), { '--area': '1 / 1 / span 6 / span 7', '--h': '6', '--ch': '8' });
  assert.deepEqual([...areas.keys()], [7, 12]);
});

test('only panels that are other ones are exchanged', () => {
  const panel = (id, title, series = [1]) => ({ id, kind: 'stat', title, options: {}, series });
  const series = { 1: { label: 'A' }, 2: { label: 'B' } };
  const old = { panels: [panel(1, 'one'), panel(2, 'two'), panel(3, 'three', [2])], series };
  const fresh = { panels: [panel(1, 'one'), panel(2, 'zwei'), panel(3, 'three', [2]), panel(4, 'four')], series: { ...series, 2: { label: 'other' } } };
  const { keep, exchange } = compare(old, fresh);
  assert.deepEqual([[...keep], [...exchange]], [[1], [2, 3, 4]]);
});

test('the voice speaks at once, then at most every five seconds and all together', () => {
  const world = { time: 0, timers: [] };
  const region = { textContent: '' };
  const voice = new Voice({ now: () => world.time, setTimeout: (fn, ms) => world.timers.push({ fn, at: world.time + ms }) }, region, { textContent: '' });
  voice.say('one');
  assert.equal(region.textContent, 'one');
  world.time = 1000;
  for (const text of ['two', 'three', 'three']) voice.say(text);
  assert.equal(region.textContent, 'one');
  assert.deepEqual(world.timers.map(({ at }) => at), [5000]);
  world.time = 5000;
  world.timers[0].fn();
  assert.equal(region.textContent, 'two. three');
});
