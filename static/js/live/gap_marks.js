// Holds the spans of time that a chart must not draw across, source by source, and why.

const KEPT = 200;

/** @typedef {import('./types.js').GapMark} GapMark */

export class GapMarks {
  /** @type {Map<number, GapMark[]>} */
  #marks = new Map();
  /** The spans not yet closed: what is missing since the cut. @type {Map<number, {mark: GapMark, pos: number}>} */
  #open = new Map();

  /** @param {number} src @returns {readonly GapMark[]} oldest first; do not change it */
  of(src) {
    return this.#marks.get(src) ?? [];
  }

  /** @param {number} src @param {Omit<GapMark, 'status'>} gap */
  add(src, gap) {
    this.#push(src, { ...gap, status: 'gap' });
    // What the server says will never come is no longer "you were offline": the offline span begins after it.
    const open = this.#open.get(src);
    if (!open || gap.to === null || gap.count === null) return;
    open.mark.from = Math.max(open.mark.from ?? gap.to, gap.to);
    open.pos = Math.max(open.pos, gap.b ?? open.pos);
  }

  /**
   * The socket was cut. A second cut before the first was repaired belongs to the same span.
   * @param {number} src @param {number} from server ms of the last sign of life @param {number} pos last seq the viewer has
   */
  cut(src, from, pos) {
    if (this.#open.has(src)) return;
    const mark = { cause: 'offline', from, to: null, count: null, status: 'offline' };
    this.#open.set(src, { mark, pos });
    this.#push(src, mark);
  }

  /** A resumed feed has caught up. @param {number} src @param {number} to server ms @param {number} pos seq reached */
  repaired(src, to, pos) {
    const open = this.#close(src, to);
    if (open) Object.assign(open.mark, { status: 'repaired', count: pos - open.pos });
    return open !== undefined;
  }

  /** The feed could not be resumed and began anew with a snapshot. @param {number} src @param {number} to server ms */
  lost(src, to) {
    const open = this.#close(src, to);
    if (open) open.mark.status = 'lost';
    return open !== undefined;
  }

  #close(src, to) {
    const open = this.#open.get(src);
    if (!open) return undefined;
    this.#open.delete(src);
    open.mark.to = Math.max(to, open.mark.from);
    return open;
  }

  #push(src, mark) {
    const marks = this.#marks.get(src) ?? [];
    marks.push(mark);
    if (marks.length > KEPT) marks.shift();
    this.#marks.set(src, marks);
  }
}
