// What the server writes into a page for its script, for editors and readers; no browser fetches this.

/**
 * @typedef {object} PageConfig  see docs/page.md
 * @property {{slug: string, title: string, version: number}} [dashboard]
 * @property {import('../panels/types.js').Config[]} [panels]
 * @property {Record<string, {source: number, key: string, label: string, unit: string, decimals: number | null, text: boolean}>} [series]
 * @property {Record<string, {name: string, slug: string, cadence: number, state: string, since: number | null, last: number | null, hz: number, msg: string}>} sources
 * @property {Record<string, [number, number | string, number | null]>} [latest]
 * @property {Record<string, number[]>} [boards]
 * @property {number} [range]
 * @property {number} now
 * @property {string | null} [user]
 * @property {string} timezone
 */

export {};
