// The admin's list and page of sources: how each stands, now, and what happens to it.

import { Client, liveUrl } from '../live/client.js';
import { Standings } from '../live/standings.js';
import { Zone, setLocale } from '../panels/words.js';
import { pageClock, readBuild, readConfig } from './config.js';
import { Facts } from './facts.js';
import { History } from './history.js';
import { StandingRows } from './standing_rows.js';
import { Status } from './status.js';
import { Voice } from './voice.js';

const TICK_MS = 500;

const config = readConfig(document);
setLocale(document.documentElement.lang || 'en');
const zone = new Zone(config.timezone);
const timers = { now: () => performance.now(), setTimeout: (fn, ms) => setTimeout(fn, ms) };
const voice = new Voice(timers, document.getElementById('say'), document.getElementById('shout'));
const standings = new Standings();
const client = new Client(
  { url: liveUrl(location), build: readBuild(document), standings },
  { visibility: () => (document.visibilityState === 'hidden' ? 'hidden' : 'visible') },
);

const onPage = pageClock(config.now);
let synced = false;
/** What `Status` asks of a page: what time it is, and since when nothing is known. */
const view = {
  cutAt: null,
  pausedAt: null,
  now: () => (synced ? client.now() : onPage()),
  synced: () => {
    synced = true;
  },
};
const facts = new Facts(document);
const status = new Status(client, view, facts, voice, { clock: (ms) => zone.hms(ms), changed: show, came: config.now });
const rows = new StandingRows(document);
const table = document.querySelector('[data-table=history]');
const history = table ? new History(table, config, zone) : null;

function show() {
  if (!standings.size) return;
  const now = view.now();
  for (const source of standings.all()) rows.show(source, { mode: view.cutAt === null ? 'live' : 'cut', end: now, known: view.cutAt ?? now });
  rows.showGone(Object.keys(config.sources).map(Number), new Set(standings.all().map(({ src }) => src)));
}

function tick() {
  if (document.hidden) return;
  facts.set('clock', zone.hms(view.now()));
  status.show();
  show();
}

const sources = Object.keys(config.sources).map(Number);
if (sources.length > 0) {
  client.subscribe({ sources, history: history ? () => history.newest : undefined });
  for (const event of ['stat', 'meta']) client.on(event, show);
  client.on('ev', ({ kind, data }) => kind === 'history' && history?.add(data.events));
  document.addEventListener('visibilitychange', tick);
  setInterval(tick, TICK_MS);
  client.open();
  status.show();
}
