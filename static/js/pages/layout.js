// Brings a changed dashboard into the open page: only what differs is exchanged, the rest stays with its focus and its scroll.

import { readConfig } from './config.js';

const STYLES = /<style\b[\s\S]*?<\/style>/g;
const AREA = /#panel-(\d+)\s*\{([^}]*)\}/g;
const ROWS = /\.grid\s*\{\s*--rows:\s*(\d+)/;

/** @param {string} css of the page's areas @returns {{rows: string | null, areas: Map<number, Record<string, string>>}} custom properties by panel */
export function readAreas(css) {
  const areas = new Map();
  for (const [, id, body] of css.matchAll(AREA)) {
    const pairs = body.split(';').map((line) => line.split(':')).filter((pair) => pair.length === 2);
    areas.set(Number(id), Object.fromEntries(pairs.map(([name, value]) => [name.trim(), value.trim()])));
  }
  return { rows: css.match(ROWS)?.[1] ?? null, areas };
}

/**
 * @param {import('./types.js').PageConfig} old @param {import('./types.js').PageConfig} fresh
 * @returns {{keep: Set<number>, exchange: Set<number>}} panels whose place may differ but whose content does not; those that are other ones
 */
export function compare(old, fresh) {
  const told = (config, panel) => JSON.stringify([panel, panel.series.map((id) => config.series[id])]);
  const before = new Map(old.panels.map((panel) => [panel.id, told(old, panel)]));
  const keep = new Set(fresh.panels.filter((panel) => before.get(panel.id) === told(fresh, panel)).map(({ id }) => id));
  return { keep, exchange: new Set(fresh.panels.map(({ id }) => id).filter((id) => !keep.has(id))) };
}

/**
 * @param {import('./types.js').PageConfig} config of the open page; it is brought up to date
 * @param {import('./board.js').Board} board @param {import('./facts.js').Facts} facts
 * @returns {Promise<void>} @throws when the page cannot be had
 */
export async function reloadLayout(config, board, facts) {
  const answer = await fetch(location.href, { cache: 'no-store', headers: { Accept: 'text/html' } });
  if (!answer.ok || answer.redirected) throw new Error(`the page answered ${answer.status}`);
  const text = await answer.text();
  // A parsed page obeys the policy of this one, which lets in no style of another nonce; its areas are read, not applied.
  const page = new DOMParser().parseFromString(text.replace(STYLES, ''), 'text/html');
  const fresh = readConfig(page);
  const { keep } = compare(config, fresh);
  Object.assign(config, { panels: fresh.panels, series: fresh.series, sources: fresh.sources, dashboard: fresh.dashboard, latest: { ...fresh.latest, ...config.latest } });
  exchange(page, keep, config, board);
  place(text.match(STYLES)?.join('\n') ?? '');
  document.title = page.title;
  facts.set('title', fresh.dashboard.title);
  facts.repeat();
}

function exchange(page, keep, config, board) {
  const grid = document.getElementById('main');
  const here = new Map([...grid.querySelectorAll('[data-panel]')].map((el) => [Number(el.dataset.panel), el]));
  const wanted = [...page.querySelectorAll('#main > *')];
  for (const [id, el] of here) {
    if (keep.has(id)) continue;
    board.remove(el);
    el.remove();
    here.delete(id);
  }
  for (const el of [...grid.children]) if (!el.dataset.panel) el.remove(); // the sentence of an empty dashboard
  let before = null;
  for (const model of wanted) {
    const id = Number(model.dataset.panel);
    const el = here.get(id) ?? document.importNode(model, true);
    // An element that is moved loses its focus and its scroll: only what stands elsewhere is.
    const next = before ? before.nextElementSibling : grid.firstElementChild;
    if (next !== el) grid.insertBefore(el, next);
    before = el;
    const told = config.panels.find((panel) => panel.id === id);
    if (!here.has(id) && told?.kind) board.add(el, told);
  }
}

function place(css) {
  const { rows, areas } = readAreas(css);
  const grid = document.getElementById('main');
  if (rows) grid.style.setProperty('--rows', rows);
  for (const [id, properties] of areas) {
    const el = document.getElementById(`panel-${id}`);
    for (const [name, value] of Object.entries(properties)) el?.style.setProperty(name, value);
  }
}
