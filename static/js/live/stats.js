// Holds what the last ten seconds of the feed looked like: frames, bytes, ticks in, rows shown, and how old they were on arrival.

const SECONDS = 10;
const AGES = 512;

export class Stats {
  #clock;
  #now;
  #startedAt;
  /** One bucket a second for each figure; `#second` says which second a bucket holds. */
  #second = new Float64Array(SECONDS + 1).fill(-1);
  #frames = new Float64Array(SECONDS + 1);
  #bytes = new Float64Array(SECONDS + 1);
  #ticks = new Float64Array(SECONDS + 1);
  #rows = new Float64Array(SECONDS + 1);
  #pictures = new Float64Array(SECONDS + 1);
  #ages = new Float64Array(AGES);
  #aged = 0;
  totals = { frames: 0, bytes: 0, ticks: 0, rows: 0, badFrames: 0, unknownFrames: 0, listenerErrors: 0 };

  /** @param {() => number} now monotonic ms @param {{now(): number, rtt: number | null}} clock */
  constructor(now, clock) {
    this.#now = now;
    this.#clock = clock;
    this.#startedAt = now();
  }

  /** @param {number} bytes */
  frame(bytes) {
    const at = this.#bucket();
    this.#frames[at] += 1;
    this.#bytes[at] += bytes;
    this.totals.frames += 1;
    this.totals.bytes += bytes;
  }

  /** @param {number} ticks of the viewer's series that a range stands for @param {number} rows it was shown as */
  range(ticks, rows) {
    const at = this.#bucket();
    this.#ticks[at] += ticks;
    this.#rows[at] += rows;
    this.totals.ticks += ticks;
    this.totals.rows += rows;
  }

  /** A frame has brought ticks: the page shows something new. */
  picture() {
    this.#pictures[this.#bucket()] += 1;
  }

  /** A row was taken in. Bound, so that it can be handed to the store as it is. @param {number} time of the tick, server ms */
  row = (time) => {
    this.#ages[this.#aged % AGES] = Math.max(0, this.#clock.now() - time);
    this.#aged += 1;
  };

  /**
   * @returns {{framesPerSecond: number, bytesPerSecond: number, inRate: number, shownRate: number, merged: number,
   *   ageP50: number | null, ageP95: number | null, rtt: number | null, totals: object}}
   *   rates per second over the last ten, shownRate counts frames with ticks; merged: share of ticks without a row of their own, 0 to 1; ages in ms over the last 512 rows
   */
  read() {
    const frames = this.#sum(this.#frames);
    const bytes = this.#sum(this.#bytes);
    const ticks = this.#sum(this.#ticks);
    const rows = this.#sum(this.#rows);
    const seconds = Math.min(SECONDS, Math.max(1, (this.#now() - this.#startedAt) / 1000));
    const ages = this.#ages.slice(0, Math.min(this.#aged, AGES)).sort();
    const quantile = (q) => (ages.length ? ages[Math.min(ages.length - 1, Math.floor(q * ages.length))] : null);
    return {
      framesPerSecond: frames / seconds, bytesPerSecond: bytes / seconds, inRate: ticks / seconds, shownRate: this.#sum(this.#pictures) / seconds,
      merged: ticks > 0 ? 1 - rows / ticks : 0, ageP50: quantile(0.5), ageP95: quantile(0.95), rtt: this.#clock.rtt, totals: { ...this.totals },
    };
  }

  #bucket() {
    const second = Math.floor(this.#now() / 1000);
    const at = second % (SECONDS + 1);
    if (this.#second[at] !== second) {
      this.#second[at] = second;
      this.#frames[at] = this.#bytes[at] = this.#ticks[at] = this.#rows[at] = this.#pictures[at] = 0;
    }
    return at;
  }

  // The current second is not over: counting it would make every rate sag. Until one second is full it is all there is.
  #sum(column) {
    const current = Math.floor(this.#now() / 1000);
    const young = this.#now() - this.#startedAt < 1000;
    let sum = 0;
    for (let at = 0; at <= SECONDS; at += 1) {
      const age = current - this.#second[at];
      if (this.#second[at] >= 0 && age <= SECONDS && (age >= 1 || young)) sum += column[at];
    }
    return sum;
  }
}
