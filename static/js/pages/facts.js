// Writes a fact about the page into every place that shows it, and only when it has changed.

import { reshape } from '../panels/badge.js';

/** The item of a state shows while there are sources in it; that of those that are live always does. @param {ParentNode} root @param {string} places @param {string} state @param {number} count */
export function showItem(root, places, state, count) {
  for (const place of root.querySelectorAll(places)) place.closest('.item')?.classList.toggle('none', count === 0 && state !== 'live');
}

export class Facts {
  #root;
  /** @type {Map<string, string>} */
  #said = new Map();

  /** @param {ParentNode} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {string} name @param {string} text */
  set(name, text) {
    if (this.#said.get(name) === text) return;
    this.#said.set(name, text);
    for (const place of this.#root.querySelectorAll(`[data-fact="${name}"]`)) place.textContent = text;
  }

  /** @param {Record<string, string>} facts */
  setAll(facts) {
    for (const [name, text] of Object.entries(facts)) this.set(name, text);
  }

  /** How many sources are in each state. @param {Record<string, number>} counts */
  tally(counts) {
    for (const [state, count] of Object.entries(counts)) {
      this.set(`sources-${state}`, String(count));
      showItem(this.#root, `[data-fact="sources-${state}"]`, state, count);
    }
  }

  /** @param {string} of what the shape stands for @param {string} name of the shape */
  shape(of, name) {
    for (const place of this.#root.querySelectorAll(`[data-shape="${of}"]`)) reshape(place, name);
  }

  /** Places have come that know nothing yet. */
  repeat() {
    const said = [...this.#said];
    this.#said.clear();
    this.setAll(Object.fromEntries(said));
  }
}
