// Reads what the server has written into the page for its script.

/** @typedef {import('./types.js').PageConfig} PageConfig */

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
