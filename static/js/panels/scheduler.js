// Turns "this panel has changed" into drawing: one frame for all, no panel more often than it can be read, none that nobody sees.

/** A panel is drawn at most this often, however often it changes. */
export const GAP_MS = 100;
/** Drawing that takes longer than this per frame is spread over several: what the browser then does with it takes some three times as long. */
export const BUDGET_MS = 2;
/** A frame that comes a little early is not put off to the next one. */
const SLACK_MS = 4;

/**
 * @typedef {object} Drawable
 * @property {(now: number) => void} draw
 * @property {(now: number) => void} [write] its text, when all have drawn: for a letter on a canvas the browser lays out what text has changed before
 */

/**
 * @typedef {object} Entry
 * @property {Drawable} panel
 * @property {boolean} dirty
 * @property {boolean} visible
 * @property {number} drawnAt
 */

export class Scheduler {
  #seams;
  #onThrow;
  /** In the order in which they were drawn: who has waited longest comes first. @type {Map<Drawable, Entry>} */
  #entries = new Map();
  #frame = null;
  #timer = null;
  /** When the timer rings. */
  #wakeAt = Infinity;
  #hidden = false;

  /**
   * @param {{requestFrame: (fn: () => void) => any, cancelFrame: (frame: any) => void, setTimeout: Function, clearTimeout: Function, now: () => number}} seams
   * @param {(panel: Drawable, error: unknown) => void} onThrow told of a panel that cannot draw; it is not drawn again
   */
  constructor(seams, onThrow) {
    this.#seams = seams;
    this.#onThrow = onThrow;
  }

  /** @param {Drawable} panel @param {boolean} visible */
  add(panel, visible = true) {
    this.#entries.set(panel, { panel, dirty: true, visible, drawnAt: -Infinity });
    this.#plan();
  }

  /** @param {Drawable} panel */
  remove(panel) {
    this.#entries.delete(panel);
  }

  /** Something in it has changed. @param {Drawable} panel */
  mark(panel) {
    const entry = this.#entries.get(panel);
    if (!entry || entry.dirty) return;
    entry.dirty = true;
    if (entry.visible) this.#wake(this.#due(entry));
  }

  /** Time has passed, or the theme has changed: everybody. */
  markAll() {
    for (const entry of this.#entries.values()) entry.dirty = true;
    this.#plan();
  }

  /** What comes into view is drawn whole, whatever has changed meanwhile. @param {Drawable} panel @param {boolean} visible */
  setVisible(panel, visible) {
    const entry = this.#entries.get(panel);
    if (!entry || entry.visible === visible) return;
    entry.visible = visible;
    if (visible) Object.assign(entry, { dirty: true, drawnAt: -Infinity });
    this.#plan();
  }

  /** @param {boolean} hidden the whole page */
  setHidden(hidden) {
    this.#hidden = hidden;
    if (hidden) return this.#rest();
    for (const entry of this.#entries.values()) Object.assign(entry, { dirty: true, drawnAt: -Infinity });
    this.#plan();
  }

  destroy() {
    this.#entries.clear();
    this.#rest();
  }

  #rest() {
    if (this.#frame !== null) this.#seams.cancelFrame(this.#frame);
    if (this.#timer !== null) this.#seams.clearTimeout(this.#timer);
    this.#frame = this.#timer = null;
    this.#wakeAt = Infinity;
  }

  #due({ drawnAt }) {
    return drawnAt + GAP_MS - SLACK_MS;
  }

  #plan() {
    let next = Infinity;
    for (const entry of this.#entries.values()) if (entry.dirty && entry.visible) next = Math.min(next, this.#due(entry));
    this.#wake(next);
  }

  /** Sees to it that there is a frame at that time. @param {number} at monotonic ms */
  #wake(at) {
    if (this.#frame !== null || this.#hidden || at >= this.#wakeAt) return;
    if (this.#timer !== null) this.#seams.clearTimeout(this.#timer);
    this.#timer = null;
    this.#wakeAt = at;
    const wait = at - this.#seams.now();
    if (wait > 0) this.#timer = this.#seams.setTimeout(() => this.#ask(), wait);
    else this.#ask();
  }

  #ask() {
    this.#timer = null;
    this.#wakeAt = Infinity;
    if (this.#frame === null && !this.#hidden) this.#frame = this.#seams.requestFrame(() => this.#flush());
  }

  // A slow panel delays its neighbours but never starves them: who was drawn goes to the end of the row.
  #flush() {
    this.#frame = null;
    const begin = this.#seams.now();
    const waiting = [...this.#entries.values()].filter((entry) => entry.dirty && entry.visible && begin >= this.#due(entry));
    for (const entry of waiting) {
      this.#draw(entry, begin);
      if (this.#seams.now() - begin >= BUDGET_MS) break;
    }
    for (const { panel, drawnAt } of waiting) if (drawnAt === begin && this.#entries.has(panel)) this.#call(panel, 'write', begin);
    this.#plan();
  }

  #draw(entry, now) {
    entry.dirty = false;
    entry.drawnAt = now;
    this.#entries.delete(entry.panel);
    this.#entries.set(entry.panel, entry);
    this.#call(entry.panel, 'draw', now);
  }

  #call(panel, name, now) {
    try {
      panel[name]?.(now);
    } catch (error) {
      this.remove(panel);
      this.#onThrow(panel, error);
    }
  }
}
