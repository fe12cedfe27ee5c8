// Turns the kind of a panel into what brings it to life; each kind is fetched only where it is shown.

/** @type {Record<string, () => Promise<typeof import('./panel.js').Panel>>} */
const KINDS = {
  stat: async () => (await import('./stat.js')).StatPanel,
  watchlist: async () => (await import('./watchlist.js')).WatchlistPanel,
  line: async () => (await import('./line.js')).LinePanel,
  candles: async () => (await import('./candles.js')).CandlesPanel,
  bars: async () => (await import('./bars.js')).BarsPanel,
  gauge: async () => (await import('./gauge.js')).GaugePanel,
  sources: async () => (await import('./sources.js')).SourcesPanel,
};

/**
 * @param {string} kind
 * @returns {Promise<typeof import('./panel.js').Panel | null>} null: this kind needs no script, or is not known and the server has said so in its place
 * @throws when its script cannot be fetched, which is worth another try once the server is there
 */
export async function load(kind) {
  return Object.hasOwn(KINDS, kind) ? KINDS[kind]() : null;
}
