// Finds the figures that the server has put into a panel, and writes into them only what has changed.

/** @type {HTMLElement[]} */
const NONE = [];
const WAYS = ['up', 'down', 'flat'];

export class Cells {
  /** @type {Map<string, Map<string, HTMLElement[]>>} by series and name */
  #cells = new Map();
  /** @type {Map<HTMLElement, string>} what stands in each */
  #texts = new Map();
  #ways = new Map();

  /** @param {HTMLElement} root @param {string} [owner] the attribute that says whose figure it is */
  constructor(root, owner = 'series') {
    for (const cell of root.querySelectorAll('[data-cell]')) {
      const of = cell.closest(`[data-${owner}]`);
      const id = of?.dataset[owner] ?? '';
      if (!this.#cells.has(id)) this.#cells.set(id, new Map());
      const named = this.#cells.get(id);
      named.set(cell.dataset.cell, [...(named.get(cell.dataset.cell) ?? []), cell]);
    }
  }

  /** @param {number | string} id @param {string} name @returns {HTMLElement[]} */
  of(id, name) {
    return this.#cells.get(String(id))?.get(name) ?? NONE;
  }

  /** @param {number | string} id @param {string} name @param {string} text @returns {boolean} whether it was another text before */
  write(id, name, text) {
    let changed = false;
    for (const cell of this.of(id, name)) changed = this.put(cell, text) || changed;
    return changed;
  }

  /** @param {HTMLElement} cell @param {string} text */
  put(cell, text) {
    const before = this.#texts.get(cell);
    if (before === text) return false;
    this.#texts.set(cell, text);
    // What the server wrote is read once; after that nobody else writes here.
    if (before === undefined && cell.textContent === text) return false;
    // A right-aligned figure that gains a digit begins further left, though nothing that stood there has moved: as a text of its own it is not taken for one that has.
    const [only] = cell.childNodes;
    if (cell.childNodes.length === 1 && only.nodeType === 3 && only.length === text.length) only.nodeValue = text;
    else cell.textContent = text;
    return true;
  }

  /** Only what is drawn with a direction has one. @param {number | string} id @param {string} name @param {'up' | 'down' | 'flat' | ''} way  '': not known */
  turn(id, name, way) {
    for (const cell of this.of(id, name)) {
      if (this.#ways.get(cell) === way || !cell.classList.contains('dir')) continue;
      this.#ways.set(cell, way);
      cell.classList.remove(...WAYS);
      if (way) cell.classList.add(way);
    }
  }
}
