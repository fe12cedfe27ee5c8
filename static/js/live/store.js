// Holds the rows of every series, its latest value, and which of them changed since they were last drawn.

import { GapMarks } from './gap_marks.js';
import { NumberRing, TextRing } from './ring.js';

export const CAPACITY = 4096;
const TEXT_CAPACITY = 500;

/**
 * @typedef {object} Series
 * @property {number} id
 * @property {number} src
 * @property {string} key
 * @property {string} label
 * @property {string} unit
 * @property {number | null} decimals
 * @property {'number' | 'text' | null} kind        null until the first row
 * @property {number | string | null} last          newest value by seq
 * @property {number | null} time                   server ms of that value
 * @property {number | string | null} previous      the value before `last`; of a merged row, what it opened with
 * @property {number} ticks                         ticks taken in since the page was opened
 * @property {NumberRing | TextRing | null} ring
 */

export class Store {
  /** @type {Map<number, Series>} */
  #series = new Map();
  #capacity = CAPACITY;
  #dirty = new Set();
  #drawn = new Set();
  #marks = new GapMarks();
  /** Newest tick of each source, server ms. @type {Map<number, number>} */
  #newest = new Map();

  /** @param {number} rows that new series keep at most; series that exist keep what they have */
  reserve(rows) {
    this.#capacity = Math.max(this.#capacity, rows);
  }

  /** @param {[number, number, string, string, string, number | null][]} list the `series` of `subd` */
  define(list) {
    for (const [id, src, key, label, unit, decimals] of list) Object.assign(this.#ensure(id, src), { src, key, label, unit, decimals });
  }

  /** @param {number} id @returns {Series | undefined} live: its fields change, keep no copy */
  series(id) {
    return this.#series.get(id);
  }

  /** @returns {Iterable<Series>} */
  all() {
    return this.#series.values();
  }

  /** @param {number} id @returns {import('./ring.js').View | ReturnType<TextRing['view']> | null} null: no row yet */
  view(id) {
    return this.#series.get(id)?.ring?.view() ?? null;
  }

  /** @param {number} id @param {number} time server ms @returns {number | null} what a number series opened with at or after `time` */
  firstSince(id, time) {
    const ring = this.#series.get(id)?.ring;
    if (!(ring instanceof NumberRing)) return null;
    const at = ring.indexAt(time);
    return at < ring.length ? ring.openAt(at) : null;
  }

  /** @param {number} src @returns {number | null} server ms of its newest tick */
  newest(src) {
    return this.#newest.get(src) ?? null;
  }

  /** @param {number} src @returns {readonly import('./types.js').GapMark[]} */
  marks(src) {
    return this.#marks.of(src);
  }

  get dirty() {
    return this.#dirty;
  }

  /** @returns {Set<number>} ids of the series changed since the last call; valid until the next one */
  takeDirty() {
    const taken = this.#dirty;
    this.#dirty = this.#drawn;
    this.#dirty.clear();
    this.#drawn = taken;
    return taken;
  }

  /** @param {number} src @param {import('./rows.js').Rows} rows in the order of seq @param {(time: number) => void} [onRow] */
  apply(src, rows, onRow) {
    const { i, t0, t, v, q, k, o, h, l } = rows;
    let newest = this.#newest.get(src) ?? -Infinity;
    for (let r = 0; r < i.length; r += 1) {
      const time = t0 + t[r];
      const value = v[r];
      const series = this.#ensure(i[r], src);
      if (typeof value === 'string') this.#pushText(series, time, value, k ? k[r] : 1);
      else if (k) this.#pushNumber(series, time, value, o[r], h[r], l[r], q ? q[r] : null, k[r]);
      else this.#pushNumber(series, time, value, value, value, value, q ? q[r] : null, 1);
      if (time > newest) newest = time;
      if (onRow) onRow(time);
    }
    if (i.length > 0) this.#newest.set(src, newest);
  }

  /**
   * Puts all parts of a snapshot in at once. A snapshot is the truth for the time it spans: what a series had in that span goes, what
   * is older stays on screen.
   * @param {number} src @param {import('./rows.js').Rows[]} parts
   * @param {boolean} fill only give rows to series that have none: the snapshot is not newer than what is here
   */
  applySnapshot(src, parts, fill) {
    const begins = new Map();
    for (const { i, t0, t } of parts) {
      for (let r = 0; r < i.length; r += 1) begins.set(i[r], Math.min(begins.get(i[r]) ?? Infinity, t0 + t[r]));
    }
    const skip = new Set();
    for (const [id, begin] of begins) {
      const ring = this.#series.get(id)?.ring;
      if (!ring?.length) continue;
      if (fill) skip.add(id);
      else ring.cutFrom(begin);
    }
    for (const rows of parts) this.apply(src, skip.size ? without(rows, skip) : rows);
  }

  /** @param {number} src */
  touch(src) {
    for (const series of this.#series.values()) if (series.src === src) this.#dirty.add(series.id);
  }

  /** @param {number} src @param {object} gap cause, from, to, count, b */
  markGap(src, gap) {
    this.#marks.add(src, gap);
    this.touch(src);
  }

  markCut(src, from, pos) {
    this.#marks.cut(src, from, pos);
    this.touch(src);
  }

  markRepaired(src, to, pos) {
    if (this.#marks.repaired(src, to, pos)) this.touch(src);
  }

  markLost(src, to) {
    if (this.#marks.lost(src, to)) this.touch(src);
  }

  #ensure(id, src) {
    let series = this.#series.get(id);
    if (!series) {
      series = { id, src, key: String(id), label: '', unit: '', decimals: null, kind: null, last: null, time: null, previous: null, ticks: 0, ring: null };
      this.#series.set(id, series);
    }
    return series;
  }

  #pushNumber(series, time, last, open, high, low, volume, count) {
    if (series.kind !== 'number') this.#become(series, 'number');
    series.ring.push(time, last, open, high, low, volume ?? NaN, count);
    series.previous = count > 1 ? open : series.last;
    this.#advance(series, time, last, count);
  }

  #pushText(series, time, last, count) {
    if (series.kind !== 'text') this.#become(series, 'text');
    series.ring.push(time, last, count);
    series.previous = series.last;
    this.#advance(series, time, last, count);
  }

  // "Last" goes by seq, not by time: a late tick is still the newest thing its source has said.
  #advance(series, time, last, count) {
    series.last = last;
    series.time = time;
    series.ticks += count;
    this.#dirty.add(series.id);
  }

  // A series is numbers or text. Should an administrator change which, the old rows cannot be drawn together with the new ones.
  #become(series, kind) {
    series.kind = kind;
    series.previous = series.last = null;
    series.ring = kind === 'number' ? new NumberRing(this.#capacity) : new TextRing(TEXT_CAPACITY);
  }
}

/** The rows of the series that are not in `skip`. @param {import('./rows.js').Rows} rows @param {Set<number>} skip */
function without(rows, skip) {
  const kept = rows.i.map((_, r) => r).filter((r) => !skip.has(rows.i[r]));
  const pick = (column) => column && kept.map((r) => column[r]);
  return { t0: rows.t0, i: pick(rows.i), t: pick(rows.t), v: pick(rows.v), q: pick(rows.q), k: pick(rows.k), o: pick(rows.o), h: pick(rows.h), l: pick(rows.l) };
}
