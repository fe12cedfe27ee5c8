// The page of a dashboard: puts its parts together and lets time pass.

import { Client, liveUrl } from '../live/client.js';
import { Zone, setLocale } from '../panels/words.js';
import { Board } from './board.js';
import { pageClock, readBuild, readConfig } from './config.js';
import { Drawer } from './drawer.js';
import { Facts } from './facts.js';
import { GapBook } from './gap_book.js';
import { startKeys } from './keys.js';
import { Pause } from './pause.js';
import { startRange } from './range.js';
import { firstRate, startRate } from './rate.js';
import { Status } from './status.js';
import { startTheme } from './theme.js';
import { Viewpoint } from './viewpoint.js';
import { tally } from './vitals.js';
import { Voice } from './voice.js';

const TICK_MS = 500;
/** Rows a series that a backfill is thinned to: as many seconds as the window has, so that candles of a second stay exact where they can. */
const POINTS = 900;

const page = document;
const root = page.documentElement;
const kiosk = root.dataset.kiosk === '1';
/** What only a wall needs is fetched only there. */
const wall = () => import('./kiosk.js');
/** And full screen by whoever asks for it. */
const fullscreen = (element) => import('./fullscreen.js').then(({ toggleFullscreen }) => toggleFullscreen(element));
const config = readConfig(page);
const build = readBuild(page);
setLocale(root.lang || 'en');
const zone = new Zone(config.timezone);
const facts = new Facts(page);
const timers = { now: () => performance.now(), setTimeout: (fn, ms) => setTimeout(fn, ms), clearTimeout: (timer) => clearTimeout(timer) };
const voice = new Voice(timers, page.getElementById('say'), page.getElementById('shout'));

const client = new Client(
  { url: liveUrl(location), build, rate: firstRate(), anonymous: config.user === null, keepAwake: kiosk },
  { visibility: () => (page.visibilityState === 'hidden' ? 'hidden' : 'visible') },
);
const book = new GapBook(client);
const view = new Viewpoint(client, config, book, pageClock(config.now));
/** @type {import('../panels/types.js').Context} */
const context = { ...view, zone, group: 'page', window: () => view.window, say: (text) => voice.say(text) };
const board = new Board(context, (what, detail) => client.journal.note(what, detail));

const status = new Status(client, view, facts, voice, { clock: (ms) => zone.hms(ms), changed: turned, came: config.now });
const drawer = new Drawer(client, view, facts, zone);
const pause = new Pause(client, view, facts, zone, () => status.show());
const rate = startRate(client, facts);
const theme = startTheme(facts, () => board.restyle());
const range = startRange(facts, (seconds) => {
  view.window = seconds * 1000;
  resubscribe();
  board.tick();
});
let unsubscribe = subscribe();
let layoutTimer = null;

function subscribe() {
  return client.subscribe({ dashboard: config.dashboard.slug, window: view.window / 1000, points: Math.min(POINTS, view.window / 1000) });
}

// Another window is another subscription; its snapshot replaces what is here by what is as fine as it can be.
function resubscribe() {
  unsubscribe();
  unsubscribe = subscribe();
}

/** The page is in another state than before: what it shows is live, from then, or held. */
function turned() {
  const mode = view.mode();
  if (mode === 'live') board.retry();
  const stamp = mode === 'live' ? '' : `as of ${zone.hms(view.known())}`;
  for (const place of page.querySelectorAll('.panel__asof')) place.textContent = stamp;
  board.restyle();
  tick();
}

function tick() {
  if (page.hidden && !kiosk) return;
  const now = view.now();
  facts.set('clock', zone.hms(now));
  status.show();
  pause.show();
  book.look();
  facts.tally(tally(view.sources()));
  drawer.fillFigure();
  drawer.fillRates();
  drawer.fill();
  board.tick();
}

client.on('dirty', () => board.changed(client.store.takeDirty()));
client.on('st', tick);
client.on('meta', () => {
  book.renew();
  board.tick();
});
client.on('state', ({ notice }) => {
  rate.show();
  if (notice === 'new-version') newVersion();
});
client.on('ev', ({ kind, data }) => {
  if (kind === 'layout' && (!data.dashboard || data.dashboard === config.dashboard.slug)) planLayout();
});

// Thousands of pages learn of a change in the same moment; they need not ask for it in the same.
function planLayout() {
  clearTimeout(layoutTimer);
  layoutTimer = setTimeout(async () => {
    try {
      const { reloadLayout } = await import('./layout.js');
      await reloadLayout(config, board, facts);
      unsubscribe.renew();
      turned();
      voice.say('The dashboard was changed');
    } catch (error) {
      client.journal.note('layout_failed', { error: String(error) });
      voice.say('The dashboard was changed, but the change could not be loaded. Reload the page to see it.');
    }
  }, 100 + Math.random() * 400);
}

let offered = false;
function newVersion() {
  if (offered) return;
  offered = true;
  if (kiosk) return void wall().then(({ reloadSoon }) => reloadSoon());
  const button = page.createElement('button');
  button.type = 'button';
  button.className = 'act';
  button.textContent = 'New version: reload';
  button.addEventListener('click', () => location.reload());
  page.querySelector('.truth[data-when=live] .src-sum')?.append(button);
  voice.say('A new version is there. Reload the page to use it.');
}

function showShortcuts() {
  const sheet = page.getElementById('shortcuts');
  if (sheet && !sheet.open) sheet.showModal();
}

page.addEventListener('click', ({ target }) => {
  const act = target instanceof Element ? target.closest('[data-act]')?.dataset.act : null;
  if (act === 'fullscreen') fullscreen(root);
  else if (act === 'panel-fullscreen') fullscreen(target.closest('[data-panel]'));
  else if (act === 'shortcuts') showShortcuts();
});
page.addEventListener('visibilitychange', () => {
  board.setHidden(page.hidden && !kiosk);
  tick();
});
startKeys({
  ' ': () => pause.toggle(), l: () => drawer.toggle(), f: () => fullscreen(null), t: () => voice.say(`Theme ${theme.cycle()}`), k: () => wall().then(({ toggleKiosk }) => toggleKiosk()), '?': showShortcuts,
  1: () => range.choose(0), 2: () => range.choose(1), 3: () => range.choose(2),
});

for (const panel of config.panels) {
  const el = page.getElementById(`panel-${panel.id}`);
  if (el && panel.kind) board.add(el, panel);
}
facts.set('since-first', zone.hms(view.now()));
if (kiosk) wall().then(({ startKiosk }) => startKiosk({ live: () => status.live, now: timers.now }));
setInterval(tick, TICK_MS);
client.open();
status.show();
