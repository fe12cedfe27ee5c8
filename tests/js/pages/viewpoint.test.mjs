import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Viewpoint } from '../../../static/js/pages/viewpoint.js';

const NOW = 100_000;

function seen(newest) {
  const source = { src: 1, name: 'Market', cadence: 1, state: 'live', hz: 104.5, msg: '', askedAt: 0, quietAt: null };
  const client = { sources: [source], store: { newest: () => newest }, now: () => NOW };
  const view = new Viewpoint(client, { range: 60, sources: { 1: { name: 'Market' } }, series: {}, latest: {}, now: NOW }, {}, () => NOW);
  return { view, source: () => view.sources()[0] };
}

test('a source has the rate that was told last, for as long as it ticks', () => {
  assert.equal(seen(NOW - 500).source().hz, 104.5);
  assert.equal(seen(NOW - 3_000).source().hz, 104.5, 'late');
  const { hz, word } = seen(NOW - 9_000).source();
  assert.deepEqual([hz, word], [0, 'stale']);
});

test('with the line cut nobody here knows a rate', () => {
  const { view, source } = seen(NOW - 500);
  view.cutAt = NOW - 400;
  assert.equal(source().hz, null);
});
