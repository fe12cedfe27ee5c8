// Turns the page's life events (hidden, shown, frozen, kept for "back", on and off line) into a few plain calls.

import { Timers } from './timers.js';

/**
 * None of these events can be trusted alone: some browsers forget `visibilitychange` after a freeze, `online` says only that there is
 * some network, and a page restored by "back" may find its socket still claiming to be open. So each is a hint to look, and what is
 * true is read at that moment.
 */
export class Lifecycle {
  #seams;
  #after;
  #on;
  #timers;
  /** @type {(() => void)[]} */
  #off = [];
  #hidden = null;

  /**
   * @param {{target: EventTarget | null, visibility: () => string}} seams
   * @param {{hideAfter: number, suspendAfter: number}} after  ms that the page must be hidden before `hidden(true)`, before `rest`; 0 = never
   * @param {object} on
   * @param {() => void} on.wake      somebody may be looking again
   * @param {(online: boolean) => void} on.network
   * @param {() => void} on.visibility  patience is different now
   * @param {(hidden: boolean) => void} on.hidden  nobody has looked for a while; or somebody does again
   * @param {() => void} on.rest      nobody has looked for long
   * @param {() => void} on.stored    the page is put away and may come back as it is
   * @param {() => void} on.restored  it has come back
   */
  constructor(seams, after, on) {
    this.#seams = seams;
    this.#after = after;
    this.#on = on;
    this.#timers = new Timers(seams);
  }

  start() {
    this.stop();
    this.#listen('online', () => this.#on.network(true));
    this.#listen('offline', () => this.#on.network(false));
    this.#listen('visibilitychange', () => this.#look());
    this.#listen('resume', () => this.#look());
    this.#listen('focus', () => this.#look());
    // `persisted`: the page is kept in memory for the back button. Anything else is the end of it, and needs no farewell.
    this.#listen('pagehide', (event) => event.persisted && this.#on.stored());
    this.#listen('pageshow', (event) => {
      if (event.persisted) this.#on.restored();
      this.#look();
    });
    this.#hidden = null;
    this.#look();
  }

  stop() {
    this.#timers.clear();
    for (const off of this.#off) off();
    this.#off = [];
  }

  // Capturing, because some of these events are fired inside the target and do not bubble up to it.
  #listen(type, fn) {
    const { target } = this.#seams;
    if (!target) return;
    target.addEventListener(type, fn, { capture: true });
    this.#off.push(() => target.removeEventListener(type, fn, { capture: true }));
  }

  #look() {
    const hidden = this.#seams.visibility() === 'hidden';
    if (hidden !== this.#hidden) {
      this.#hidden = hidden;
      this.#on.visibility();
      this.#plan(hidden);
    }
    if (!hidden) this.#on.wake();
  }

  // A glance at another tab costs nothing; only staying away does.
  #plan(hidden) {
    this.#timers.clear();
    if (!hidden) return this.#on.hidden(false);
    const { hideAfter, suspendAfter } = this.#after;
    if (hideAfter > 0) this.#timers.set('hide', hideAfter, () => this.#on.hidden(true));
    if (suspendAfter > 0) this.#timers.set('rest', suspendAfter, this.#on.rest);
  }
}
