// Folds the rows of a series into columns as wide as a pixel, each row once: a picture of a few hundred pixels must not cost ten thousand rows a frame.

import { lowerBound } from './spark_shape.js';

const NAMES = ['first', 'time', 'last', 'high', 'low'];

/**
 * @typedef {object} Rows  a view of a ring, see live/ring.js
 * @property {number} length
 * @property {ArrayLike<number>} time
 * @property {ArrayLike<number>} last
 * @property {ArrayLike<number>} high
 * @property {ArrayLike<number>} low
 * @property {number} serial    rows that were ever put in
 * @property {number} revision  another number when more has happened than that rows came at the end
 */

/**
 * Entries `start` up to `end` of equal columns, oldest first: `first` and `time` are the moments of the oldest and newest row of a column, `last`, `high` and `low`
 * the values of its rows. Columns begin at whole multiples of their width, so a line does not change its shape while it moves.
 */
export class Columns {
  start = 0;
  end = 0;
  #step = NaN;
  #from = NaN;
  #revision = NaN;
  #serial = 0;

  constructor() {
    for (const name of NAMES) this[name] = new Float64Array(256);
  }

  /**
   * Takes in what has come since the last time.
   * @param {Rows | null} rows @param {number} step ms of a column @param {number} from ms; of what is older only the last column is kept, from which the line comes in
   */
  take(rows, step, from) {
    if (rows === null) {
      this.start = this.end = 0;
      this.#revision = NaN;
      return;
    }
    const fresh = rows.serial - this.#serial;
    if (rows.revision !== this.#revision || step !== this.#step || !(from >= this.#from) || fresh > rows.length) this.#restart(rows, step, from);
    for (let i = rows.length - (rows.serial - this.#serial); i < rows.length; i += 1) this.#add(rows.time[i], rows.last[i], rows.high[i], rows.low[i]);
    this.#serial = rows.serial;
    this.#from = from;
    while (this.end - this.start > 1 && this.time[this.start + 1] < from) this.start += 1;
  }

  /** @returns {{length: number} & Record<'first' | 'time' | 'last' | 'high' | 'low', Float64Array>} valid until the next `take` */
  view() {
    const made = { length: this.end - this.start };
    for (const name of NAMES) made[name] = this[name].subarray(this.start, this.end);
    return made;
  }

  #restart(rows, step, from) {
    this.start = this.end = 0;
    this.#step = step;
    this.#revision = rows.revision;
    const begin = Math.max(0, lowerBound(rows.time, rows.length, from) - 1);
    this.#serial = rows.serial - (rows.length - begin);
  }

  #add(time, last, high, low) {
    const at = this.end - 1;
    if (at >= this.start && Math.floor(time / this.#step) === Math.floor(this.time[at] / this.#step)) {
      this.time[at] = time;
      this.last[at] = last;
      if (high > this.high[at]) this.high[at] = high;
      if (low < this.low[at]) this.low[at] = low;
      return;
    }
    if (this.end === this.time.length) this.#makeRoom();
    const { end } = this;
    this.first[end] = this.time[end] = time;
    this.last[end] = last;
    this.high[end] = high;
    this.low[end] = low;
    this.end += 1;
  }

  // As in a ring: to the front when half of it is free, else twice as long; a window has a bounded number of columns.
  #makeRoom() {
    const { start, end } = this;
    for (const name of NAMES) {
      const old = this[name];
      const roomy = start >= old.length / 2 ? old : new Float64Array(2 * old.length);
      roomy.set(old.subarray(start, end));
      this[name] = roomy;
    }
    this.start = 0;
    this.end = end - start;
  }
}
