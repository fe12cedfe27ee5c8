// Fills a table of the drawer from rows, by cloning its template and changing only what differs.

/** @typedef {Record<string, string>} Row  text by cell; `swatch` names the picture of a gap */

export class Table {
  #body;
  #template;
  /** @type {HTMLElement[]} */
  #rows = [];

  /** @param {string} name of the table @param {string} row of its template */
  constructor(name, row) {
    this.#body = document.querySelector(`[data-table=${name}]`);
    this.#template = document.getElementById(`row-${row}`);
  }

  /** @param {Row[]} rows */
  fill(rows) {
    if (!this.#body || !this.#template) return;
    while (this.#rows.length > rows.length) this.#rows.pop().remove();
    while (this.#rows.length < rows.length) {
      const made = this.#template.content.firstElementChild.cloneNode(true);
      this.#rows.push(made);
      this.#body.append(made);
    }
    rows.forEach((row, at) => this.#write(this.#rows[at], row));
  }

  #write(el, row) {
    for (const [name, text] of Object.entries(row)) {
      const cell = el.querySelector(`[data-cell="${name}"]`);
      if (!cell) continue;
      if (name === 'swatch') cell.querySelector('use').setAttribute('href', `#swatch-${text}`);
      else if (cell.textContent !== text) cell.textContent = text;
    }
  }
}
