// Holds the picture still on a person's wish, and counts what waits meanwhile.

import { age, figure } from '../panels/words.js';

export class Pause {
  #client;
  #view;
  #facts;
  #zone;
  #changed;
  #rate = 0;
  #counted = 0;
  #countedAt = 0;

  /**
   * @param {import('../live/client.js').Client} client @param {import('./viewpoint.js').Viewpoint} view @param {import('./facts.js').Facts} facts
   * @param {import('../panels/words.js').Zone} zone @param {() => void} changed
   */
  constructor(client, view, facts, zone, changed) {
    this.#client = client;
    this.#view = view;
    this.#facts = facts;
    this.#zone = zone;
    this.#changed = changed;
    for (const button of document.querySelectorAll('[data-act=pause]')) button.addEventListener('click', () => this.toggle());
  }

  get on() {
    return this.#view.pausedAt !== null;
  }

  toggle() {
    const on = !this.on;
    this.#view.pausedAt = on ? this.#view.now() : null;
    this.#rate = on ? this.#client.stats().inRate : 0;
    this.#counted = 0;
    this.#countedAt = performance.now();
    this.#client.pause(on);
    document.getElementById('pause')?.setAttribute('aria-pressed', String(on));
    this.#facts.set('pause-word', on ? 'Resume' : 'Pause');
    this.show();
    this.#changed();
  }

  /** Time has passed. */
  show() {
    if (!this.on) return;
    const { pausedAt } = this.#view;
    this.#facts.setAll({ 'state-paused': `Paused at ${this.#zone.hms(pausedAt)}`, 'why-paused': `${age(this.#view.now() - pausedAt)} ago.`, waiting: this.#waiting() });
  }

  // The server counts with every heartbeat; between two of them the page may only estimate, and says so.
  #waiting() {
    const counted = this.#client.waiting();
    if (counted !== this.#counted) {
      this.#counted = counted;
      this.#countedAt = performance.now();
    }
    const more = Math.round((this.#rate * (performance.now() - this.#countedAt)) / 1000);
    return more > 0 ? `About ${figure(counted + more)}` : figure(counted);
  }
}
