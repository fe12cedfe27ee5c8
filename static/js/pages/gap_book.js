// Gathers, per source, the spans a chart must not draw across: what was lost, when it was silent, when this page was cut off.

import { staleAfter } from '../live/freshness.js';
import { Silences } from './silences.js';

const KINDS = { gap: 'lost', offline: 'offline', repaired: 'repaired', lost: 'offline' };

export class GapBook {
  #client;
  #silences = new Silences();

  /** @param {import('../live/client.js').Client} client */
  constructor(client) {
    this.#client = client;
  }

  /** Rows have come. */
  look() {
    const { store } = this.#client;
    for (const { src, cadence } of this.#client.sources) {
      this.#silences.look(src, store.newest(src), staleAfter(cadence), (from, to) => this.#times(src, from, to));
    }
  }

  /** The window has changed, or a snapshot has replaced what was there. */
  renew() {
    this.#silences.forget();
    this.look();
  }

  /**
   * @param {number} src @param {{silent: number | null}} now  silent: server ms since which it is silent at this moment
   * @returns {import('../panels/types.js').Gap[]} oldest first
   */
  of(src, { silent }) {
    const marks = this.#client.store.marks(src).filter(({ from, to }) => from !== null || to !== null);
    const gaps = marks.map(({ cause, status, from, to, count }) => ({ kind: KINDS[status], cause, from: from ?? to, to, count }));
    const mute = this.#silences.of(src).filter((span) => !marks.some((mark) => mark.status !== 'repaired' && overlap(mark, span)));
    gaps.push(...mute.map(({ from, to }) => ({ kind: 'silent', cause: '', from, to, count: 0 })));
    if (silent !== null) gaps.push({ kind: 'silent', cause: '', from: silent, to: null, count: 0 });
    return gaps.sort((a, b) => a.from - b.from);
  }

  // Which series of a source ticks does not matter: it is silent when none of them does.
  #times(src, from, to) {
    const times = [];
    for (const series of this.#client.store.all()) {
      if (series.src !== src) continue;
      const view = this.#client.store.view(series.id);
      for (let i = (view?.length ?? 0) - 1; i >= 0 && (from === null || view.time[i] >= from); i -= 1) if (view.time[i] <= to) times.push(view.time[i]);
    }
    return times.sort((a, b) => a - b);
  }
}

const overlap = (mark, { from, to }) => (mark.from ?? mark.to) < to && (mark.to ?? Infinity) > from;
