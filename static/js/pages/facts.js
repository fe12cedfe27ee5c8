// Writes a fact about the page into every place that shows it, and only when it has changed.

import { reshape } from '../panels/badge.js';

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

  /** A number of things, whose place is empty while there are none. @param {string} name @param {number} count */
  count(name, count) {
    this.set(name, String(count));
    for (const place of this.#root.querySelectorAll(`[data-fact="${name}"]`)) {
      const item = place.closest('.item');
      if (item && item.hidden !== (count === 0)) item.hidden = count === 0;
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
