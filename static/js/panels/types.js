// The shapes that panels and pages hand each other, for editors and readers; no browser fetches this.

/**
 * @typedef {object} Context  what a panel may ask the page; panels know neither the socket nor each other
 * @property {(id: number) => {id: number, src: number, label: string, unit: string, decimals: number | null, last: number | string | null, time: number | null}} series
 * @property {(id: number) => import('../live/ring.js').View | null} view  null: no numbers
 * @property {(id: number, time: number) => number | null} firstSince
 * @property {(src: number) => import('../charts/gap_bands.js').Gap[]} gaps
 * @property {(src: number) => import('./vital.js').Vital} vital
 * @property {() => {src: number, name: string, hz: number | null, msg: string, shape: string, word: string, age: number | null}[]} sources
 * @property {() => number} end      server ms at which the time axis ends: now, or the moment of the pause
 * @property {() => number} known    server ms up to which anything is known
 * @property {() => number} window   ms
 * @property {() => 'live' | 'paused' | 'cut'} mode
 * @property {import('../charts/ages.js').Zone} zone
 * @property {string} group          charts of one group share a crosshair
 * @property {(text: string) => void} say
 */

/** @typedef {import('../charts/gap_bands.js').Gap} Gap */

/** @typedef {{id: number, kind: string, title: string, options: Record<string, any>, series: number[]}} Config */

export {};
