// Holds how the page wants to be served: its rate, whether anybody looks, whether it is paused.

import { encode } from './protocol.js';

/** A slider sends a value for every pixel; the server needs the last one only. */
export const SET_EVERY_MS = 200;
/** Half of "every tick" and of "as the server likes": slow enough to help, fast enough to look alive. */
const HALF_OF_FULL = 5;
const SLOWEST = 0.2;

export class Controls {
  #timers;
  #nextId;
  #send;
  #shown = { rate: undefined, visible: true };
  /** @type {number | null} frames a second; 0 = every tick unmerged; null = as the server likes */
  rate;
  /** Halved because the server found this page too slow, until a rate is chosen again. @type {number | null} */
  reduced = null;
  paused = false;
  /** @type {boolean | null} what the page says; null: as the tab is */
  #wanted = null;
  #hidden = false;

  /** @param {import('./timers.js').Timers} timers @param {() => number} nextId @param {(text: string) => boolean} send @param {number | null} rate */
  constructor(timers, nextId, send, rate) {
    this.#timers = timers;
    this.#nextId = nextId;
    this.#send = send;
    this.rate = rate;
  }

  get visible() {
    return this.#wanted ?? !this.#hidden;
  }

  /** Paused or hidden: the server sends no data and the cursor stands still, as it should. */
  get held() {
    return this.paused || !this.visible;
  }

  /** @param {number} hz 0, or from 0.2 to 20 */
  setRate(hz) {
    if (!(hz === 0 || (hz >= SLOWEST && hz <= 20))) throw new RangeError('rate must be 0 or from 0.2 to 20');
    this.rate = hz;
    this.reduced = null;
    this.#setSoon();
  }

  /** The server found this page too slow. */
  halve() {
    const rate = this.reduced ?? this.rate;
    this.reduced = rate === null || rate === 0 ? HALF_OF_FULL : Math.max(SLOWEST, rate / 2);
  }

  /** @param {boolean | null} visible null: as the tab is */
  setVisible(visible) {
    this.#wanted = visible;
    this.#setSoon();
  }

  /** @param {boolean} hidden whether the tab is */
  tabHidden(hidden) {
    this.#hidden = hidden;
    this.#setSoon();
  }

  /** @param {boolean} on */
  pause(on) {
    if (on === this.paused) return;
    this.paused = on;
    this.#send(encode.pause(this.#nextId(), on));
  }

  /** A new socket knows nothing: say all that is not the default. Before the subscriptions, so that no data comes that is not wanted. */
  restate() {
    this.#shown = { rate: undefined, visible: true };
    this.#set();
    if (this.paused) this.#send(encode.pause(this.#nextId(), true));
  }

  #setSoon() {
    if (this.#timers.has('set')) return;
    if (this.#set()) this.#timers.set('set', SET_EVERY_MS, () => this.#setSoon());
  }

  #set() {
    const rate = this.reduced ?? this.rate ?? undefined;
    const wish = {};
    if (rate !== this.#shown.rate) wish.rate = rate;
    if (this.visible !== this.#shown.visible) wish.visible = this.visible;
    if (Object.keys(wish).length === 0 || !this.#send(encode.set(this.#nextId(), wish))) return false;
    Object.assign(this.#shown, wish);
    return true;
  }
}
