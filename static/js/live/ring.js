// Holds the newest rows of one series, in order of time, in columns a chart can draw without copying.

const FIRST = 256;
const FLOATS = ['time', 'last', 'volume'];
const SWINGS = ['open', 'high', 'low'];
/** No two rings, and no two states of one, share a number. */
let revisions = 0;

/**
 * @typedef {object} View  columns of equal length, oldest first; valid until the next row is pushed
 * @property {number} length
 * @property {Float64Array} time    ms, server time
 * @property {Float64Array} last
 * @property {Float64Array} open    the same array as `last` while no row is merged
 * @property {Float64Array} high
 * @property {Float64Array} low
 * @property {Float64Array} volume  NaN where the series has none
 * @property {Uint32Array} count    ticks in the row
 * @property {number} serial        rows that were ever put in
 * @property {number} revision      another number when more has happened than that rows came at the end
 */

/**
 * Bounded: when full the oldest row goes. The columns are twice as long as the bound; rows are written towards the end and moved to
 * the front once per `capacity` pushes, so a view is always one `subarray` (charts want index 0 to be the oldest).
 */
export class NumberRing {
  #start = 0;
  #end = 0;
  #wide = false;
  #serial = 0;
  #revision = (revisions += 1);
  /** @type {View | null} */
  #view = null;

  /** @param {number} capacity rows kept at most */
  constructor(capacity) {
    this.capacity = capacity;
    const length = 2 * Math.min(FIRST, capacity);
    for (const name of FLOATS) this[name] = new Float64Array(length);
    this.count = new Uint32Array(length);
  }

  get length() {
    return this.#end - this.#start;
  }

  /**
   * Puts the row where its time belongs; rows of the same time stay in the order they came.
   * @returns {boolean} false: the ring is full of newer rows, so the row is not kept
   */
  push(time, last, open, high, low, volume, count) {
    if (!this.#wide && (open !== last || high !== last || low !== last)) this.#widen();
    if (this.#end === this.time.length) this.#makeRoom();
    const at = this.length > 0 && this.time[this.#end - 1] > time ? this.#after(time) : this.#end;
    if (at === this.#start && this.length === this.capacity) return false;
    if (at < this.#end) {
      this.#shift(at + 1, at, this.#end);
      this.#revision = revisions += 1;
    }
    this.#write(at, time, last, open, high, low, volume, count);
    this.#end += 1;
    this.#serial += 1;
    this.#view = null;
    if (this.length > this.capacity) this.#start += 1;
    return true;
  }

  // Where a late row goes: behind all rows that are not newer. Times are sorted, so a halving search finds it.
  #after(time) {
    let low = this.#start;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets every row from `time` on. */
  cutFrom(time) {
    this.#end = this.#start + this.indexAt(time);
    this.#revision = revisions += 1;
    this.#view = null;
  }

  /** @returns {number} index, within a view, of the first row at or after `time`; the length when there is none */
  indexAt(time) {
    let low = this.#start;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low - this.#start;
  }

  /** @param {number} at index within a view @returns {number} what the row opened with */
  openAt(at) {
    return (this.#wide ? this.open : this.last)[this.#start + at];
  }

  /** @returns {View} the same one until something changes */
  view() {
    this.#view ??= this.#cut();
    return this.#view;
  }

  #cut() {
    const cut = (column) => column.subarray(this.#start, this.#end);
    const last = cut(this.last);
    const swing = (name) => (this.#wide ? cut(this[name]) : last);
    return {
      length: this.length, time: cut(this.time), last, open: swing('open'), high: swing('high'), low: swing('low'),
      volume: cut(this.volume), count: cut(this.count), serial: this.#serial, revision: this.#revision,
    };
  }

  #write(at, time, last, open, high, low, volume, count) {
    this.time[at] = time;
    this.last[at] = last;
    this.volume[at] = volume;
    this.count[at] = count;
    if (!this.#wide) return;
    this.open[at] = open;
    this.high[at] = high;
    this.low[at] = low;
  }

  // Most series never see a merged row; until one does, open, high and low cost no memory.
  #widen() {
    for (const name of SWINGS) this[name] = this.last.slice();
    this.#wide = true;
  }

  #makeRoom() {
    if (this.time.length < 2 * this.capacity) return this.#grow(Math.min(2 * this.time.length, 2 * this.capacity));
    this.#shift(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #grow(length) {
    const longer = (column) => {
      const made = new column.constructor(length);
      made.set(column);
      return made;
    };
    for (const name of this.#columns()) this[name] = longer(this[name]);
    this.count = longer(this.count);
  }

  #shift(to, from, end) {
    for (const name of this.#columns()) this[name].copyWithin(to, from, end);
    this.count.copyWithin(to, from, end);
  }

  #columns() {
    return this.#wide ? [...FLOATS, ...SWINGS] : FLOATS;
  }
}

/** The same for text: fewer rows and plain lists, since text neither merges into a swing nor is drawn as a line. */
export class TextRing {
  #time = [];
  #last = [];
  #count = [];

  constructor(capacity) {
    this.capacity = capacity;
  }

  get length() {
    return Math.min(this.#time.length, this.capacity);
  }

  push(time, last, count) {
    let at = this.#time.length;
    while (at > 0 && this.#time[at - 1] > time) at -= 1;
    if (this.length === this.capacity && at <= this.#time.length - this.capacity) return false;
    this.#time.splice(at, 0, time);
    this.#last.splice(at, 0, last);
    this.#count.splice(at, 0, count);
    if (this.#time.length === 2 * this.capacity) this.#drop(this.capacity);
    return true;
  }

  cutFrom(time) {
    const at = this.#time.findIndex((t) => t >= time);
    if (at >= 0) for (const column of [this.#time, this.#last, this.#count]) column.length = at;
  }

  /** @returns {{length: number, time: number[], last: string[], count: number[]}} copies, oldest first */
  view() {
    const newest = (column) => column.slice(-this.capacity);
    return { length: this.length, time: newest(this.#time), last: newest(this.#last), count: newest(this.#count) };
  }

  #drop(rows) {
    for (const column of [this.#time, this.#last, this.#count]) column.splice(0, rows);
  }
}
