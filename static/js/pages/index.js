// The list of dashboards: how the sources of each are, now.

import { Client, liveUrl } from '../live/client.js';
import { Zone, setLocale } from '../panels/words.js';
import { pageClock, readBuild, readConfig } from './config.js';
import { Facts, showItem } from './facts.js';
import { GapBook } from './gap_book.js';
import { Status } from './status.js';
import { startTheme } from './theme.js';
import { Viewpoint } from './viewpoint.js';
import { tally } from './vitals.js';
import { Voice } from './voice.js';

const TICK_MS = 500;
/** A socket may hold 64 subscriptions; what is only on dashboards beyond this many is unknown, and said to be. */
const MOST = 48;

const root = document.documentElement;
const config = { panels: [], series: {}, latest: {}, range: 60, ...readConfig(document) };
setLocale(root.lang || 'en');
const zone = new Zone(config.timezone);
const facts = new Facts(document);
const timers = { now: () => performance.now(), setTimeout: (fn, ms) => setTimeout(fn, ms) };
const voice = new Voice(timers, document.getElementById('say'), document.getElementById('shout'));

// One merged frame a second tells all there is to know here: that a source ticks. A poll would learn of a dead worker only from old words.
const client = new Client(
  { url: liveUrl(location), build: readBuild(document), rate: 1, anonymous: config.user === null || config.user === undefined },
  { visibility: () => (document.visibilityState === 'hidden' ? 'hidden' : 'visible') },
);
const view = new Viewpoint(client, config, new GapBook(client), pageClock(config.now));
const status = new Status(client, view, facts, voice, { clock: (ms) => zone.hms(ms), changed: show, came: config.now });

function show() {
  const followed = new Set(client.sources.map(({ src }) => src));
  // A source that the socket does not follow may have done anything since the page came.
  const known = (source) => (followed.has(source.src) || !status.live ? source : { ...source, shape: 'unknown' });
  const sources = new Map(view.sources().map((source) => [source.src, known(source)]));
  for (const row of document.querySelectorAll('[data-board]')) {
    const counts = tally((config.boards[row.dataset.board] ?? []).map((src) => sources.get(src)).filter(Boolean));
    for (const [name, count] of Object.entries(counts)) {
      const cell = row.querySelector(`[data-cell="${name}"]`);
      if (!cell) continue;
      if (cell.textContent !== String(count)) cell.textContent = String(count);
      showItem(row, `[data-cell="${name}"]`, name, count);
    }
  }
  facts.tally(tally([...sources.values()]));
}

function tick() {
  if (document.hidden) return;
  facts.set('clock', zone.hms(view.now()));
  status.show();
  client.store.takeDirty();
  show();
}

for (const slug of Object.keys(config.boards).slice(0, MOST)) client.subscribe({ dashboard: slug, window: 0 });
startTheme(facts, () => {});
client.on('st', tick);
document.addEventListener('visibilitychange', tick);
setInterval(tick, TICK_MS);
client.open();
status.show();
