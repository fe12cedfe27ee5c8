// Puts what happens to a source on top of the table of what has happened, as far as it is of the sort that is shown.

/** @typedef {{id: number, src: number, at: number, kind: string, cause: string, by: string, ticks: number | null}} SourceEvent  at: ms */

export class History {
  #table;
  #zone;
  #words;
  #kinds;
  #most;
  /** Number of the newest event that is known here, shown or not. */
  newest;

  /**
   * @param {HTMLElement} table its body
   * @param {{history: number, kinds: [string, string][], shown: string[], events: number}} config  kinds: each with its word; shown: [] is all;
   *   events: rows that are kept
   * @param {{ymd: (ms: number) => string, hms: (ms: number) => string}} zone
   */
  constructor(table, { history, kinds, shown, events }, zone) {
    this.#table = table;
    this.#zone = zone;
    this.#words = new Map(kinds);
    this.#kinds = new Set(shown);
    this.#most = events;
    this.newest = history;
  }

  /** @param {SourceEvent[]} events oldest first */
  add(events) {
    for (const event of events) {
      if (event.id <= this.newest) continue;
      this.newest = event.id;
      if (this.#kinds.size === 0 || this.#kinds.has(event.kind)) this.#put(event);
    }
    while (this.#table.rows.length > this.#most) this.#table.rows[this.#table.rows.length - 1].remove();
    const nothing = this.#table.closest('.history')?.querySelector('.nothing');
    if (nothing) nothing.hidden = this.#table.rows.length > 0;
  }

  #put({ at, kind, cause, by, ticks }) {
    const row = document.getElementById('row-history').content.firstElementChild.cloneNode(true);
    const lost = ticks ? `${ticks} tick${ticks === 1 ? '' : 's'} lost: ` : '';
    const texts = { at: `${this.#zone.ymd(at)} ${this.#zone.hms(at)}`, kind: this.#words.get(kind) ?? kind, cause: lost + cause, by };
    for (const cell of row.querySelectorAll('[data-cell]')) cell.textContent = texts[cell.dataset.cell];
    row.querySelector('time').dateTime = new Date(at).toISOString();
    this.#table.prepend(row);
  }
}
