// What is written in the ledger drawer: the account of each source, the gaps, and what happened to the connection.

import { gapRows, journalWords } from './journal_words.js';
import { ledgerFigures } from './ledger_figures.js';
import { Table } from './table.js';

export class Books {
  #client;
  #view;
  #facts;
  #zone;
  #tables = { balance: new Table('balance', 'balance'), gaps: new Table('gaps', 'gap'), events: new Table('events', 'event') };

  /** @param {import('../live/client.js').Client} client @param {import('./viewpoint.js').Viewpoint} view @param {import('./facts.js').Facts} facts @param {import('../panels/words.js').Zone} zone */
  constructor(client, view, facts, zone) {
    this.#client = client;
    this.#view = view;
    this.#facts = facts;
    this.#zone = zone;
  }

  fill() {
    const sources = this.#view.sources();
    const name = (src) => sources.find((source) => source.src === src)?.name ?? `Source ${src}`;
    const accounts = this.#client.ledger.all().sort((a, b) => name(a.src).localeCompare(name(b.src)));
    this.#tables.balance.fill(accounts.map((account) => {
      const { published, shown, merged, gap, unexplained } = ledgerFigures(account);
      return { source: name(account.src), published, shown, merged, gap, unexplained };
    }));
    const clock = (ms) => this.#zone.hms(ms);
    const gaps = gapRows(sources.map(({ src, name: called }) => ({ name: called, gaps: this.#view.gaps(src) })), clock);
    this.#tables.gaps.fill(gaps);
    this.#facts.set('gaps-count', String(gaps.length));
    const entries = this.#client.journal.entries().reverse();
    this.#tables.events.fill(entries.map((entry) => ({ time: this.#zone.exact(entry.at), ...journalWords(entry, name) })));
    this.#facts.set('events-count', String(entries.length));
  }
}
