// Opens and closes the ledger drawer, and keeps its books while it is open.

import { deliveryFigures, ledgerFigures } from './ledger_figures.js';

const AGAIN_MS = 3000;

export class Drawer {
  #client;
  #view;
  #facts;
  #zone;
  #el = document.getElementById('ledger');
  #openers = [...document.querySelectorAll('[data-act=ledger]')];
  #back = null;
  /** @type {import('./books.js').Books | null} */
  #books = null;
  #fetching = false;

  /** @param {import('../live/client.js').Client} client @param {import('./viewpoint.js').Viewpoint} view @param {import('./facts.js').Facts} facts @param {import('../panels/words.js').Zone} zone */
  constructor(client, view, facts, zone) {
    this.#client = client;
    this.#view = view;
    this.#facts = facts;
    this.#zone = zone;
    for (const opener of this.#openers) opener.addEventListener('click', () => this.toggle(opener));
    document.querySelector('[data-act=close-ledger]')?.addEventListener('click', () => this.close());
    document.querySelector('[data-act=download]')?.addEventListener('click', () => this.#download());
    this.#el?.addEventListener('keydown', ({ key }) => key === 'Escape' && this.close());
  }

  get open() {
    return this.#el !== null && !this.#el.hidden;
  }

  /** @param {HTMLElement | null} [opener] gets the focus back */
  toggle(opener = null) {
    if (this.open) return this.close();
    if (!this.#el) return;
    this.#back = opener ?? document.activeElement;
    this.#el.hidden = false;
    this.#expanded(true);
    this.fill();
    this.#el.focus({ preventScroll: true });
  }

  close() {
    if (!this.open) return;
    this.#el.hidden = true;
    this.#expanded(false);
    // The opener may have gone with the state it stood in; focus must not fall to the top of the page.
    const back = this.#back?.checkVisibility?.() ? this.#back : this.#openers.find((opener) => opener.checkVisibility());
    back?.focus({ preventScroll: true });
  }

  /** The figure in the status line; always there. */
  fillFigure() {
    const { balanced, ...figures } = ledgerFigures(this.#client.ledger.total());
    this.#facts.setAll(figures);
    document.documentElement.toggleAttribute('data-unbalanced', !balanced);
  }

  /** The rates in the status line, and in the drawer. */
  fillRates() {
    const { duplicates, reconnects } = this.#client.ledger.total();
    this.#facts.setAll({ ...deliveryFigures(this.#client.stats()), duplicates: String(duplicates), reconnects: String(this.#client.journal.counts.open ? Math.max(0, this.#client.journal.counts.open - 1) : reconnects) });
  }

  /** All books; costs nothing while the drawer is closed. */
  fill() {
    if (!this.open) return;
    if (this.#books) this.#books.fill();
    else this.#fetch();
  }

  #expanded(open) {
    for (const opener of this.#openers) opener.setAttribute('aria-expanded', String(open));
  }

  /** What is written in the books is fetched by whoever opens them; without the server the sums stand alone, and it is tried again. */
  async #fetch() {
    if (this.#fetching) return;
    this.#fetching = true;
    const away = this.#el.querySelector('[data-away]');
    try {
      const { Books } = await import('./books.js');
      this.#books = new Books(this.#client, this.#view, this.#facts, this.#zone);
      away?.remove();
      this.fill();
    } catch {
      if (away) away.hidden = false;
      setTimeout(() => (this.#fetching = false), AGAIN_MS);
    }
  }

  /** Hands the person a file of all that the page knows of its connection. */
  #download() {
    const { client, at } = { client: this.#client, at: new Date(this.#view.now()).toISOString() };
    const journal = JSON.parse(client.journal.export());
    const book = { at, page: location.pathname, state: client.state, ledger: client.ledger.all(), stats: client.stats(), clockSkew: client.clockSkew, journal };
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(book, null, 1)], { type: 'application/json' }));
    link.download = `tickwall-${at.replaceAll(/[:.]/g, '-')}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}
