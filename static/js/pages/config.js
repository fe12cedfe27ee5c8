// Reads what the server has written into the page for its script.

/**
 * @typedef {object} PageConfig  see docs/page.md
 * @property {{slug: string, title: string, version: number}} [dashboard]
 * @property {import('../panels/panel.js').Config[]} [panels]
 * @property {Record<string, {source: number, key: string, label: string, unit: string, decimals: number | null, text: boolean}>} [series]
 * @property {Record<string, {name: string, slug: string, cadence: number, state: string, since: number | null, last: number | null, hz: number, msg: string}>} sources
 * @property {Record<string, [number, number | string, number | null]>} [latest]
 * @property {Record<string, number[]>} [boards]
 * @property {number} [range]
 * @property {number} now
 * @property {string | null} [user]
 * @property {string} timezone
 */

/** @param {Document} page @returns {PageConfig} */
export const readConfig = (page) => JSON.parse(page.getElementById('page-config').textContent);

/** @param {Document} page @returns {string} */
export const readBuild = (page) => page.querySelector('meta[name=build]')?.content ?? '';

/**
 * The server's time as the page brought it along, for the moments before the socket has told it. The viewer's own clock has no say.
 * @param {number} now as the server wrote it @returns {() => number}
 */
export function pageClock(now) {
  const arrived = performance.getEntriesByType('navigation')[0]?.responseStart ?? 0;
  return () => now + performance.now() - arrived;
}
