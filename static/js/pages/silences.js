// Finds the spans in which a source said nothing, in what has come so far and as more comes.

/** Rows are merged to whole seconds: two that follow each other may look a second further apart than their ticks were. */
const MERGED_MS = 1_000;
const KEPT = 100;

/** @typedef {{from: number, to: number}} Span  ms */

/**
 * @param {number[]} times in order @param {number} limit ms that are no silence yet @returns {Span[]}
 */
export function holes(times, limit) {
  const found = [];
  for (let i = 1; i < times.length; i += 1) if (times[i] - times[i - 1] > limit) found.push({ from: times[i - 1], to: times[i] });
  return found;
}

export class Silences {
  /** @type {Map<number, {newest: number | null, spans: Span[]}>} */
  #sources = new Map();

  /**
   * Call it whenever rows may have come.
   * @param {number} src @param {number | null} newest ms of its newest row @param {number} limit ms after which it counts as stale
   * @param {(from: number | null, to: number) => number[]} times of its rows in a span, in order, both ends included
   */
  look(src, newest, limit, times) {
    const known = this.#sources.get(src) ?? { newest: null, spans: [] };
    this.#sources.set(src, known);
    if (newest === null || newest === known.newest) return;
    const patience = limit + MERGED_MS;
    // As long as it ticks in time there is nothing to search.
    if (known.newest === null || newest - known.newest > patience) known.spans.push(...holes(times(known.newest, newest), patience));
    if (known.spans.length > KEPT) known.spans.splice(0, known.spans.length - KEPT);
    known.newest = newest;
  }

  /** @param {number} src @returns {readonly Span[]} that are over */
  of(src) {
    return this.#sources.get(src)?.spans ?? [];
  }

  /** Older rows have come: search again from the beginning. */
  forget() {
    this.#sources.clear();
  }
}
