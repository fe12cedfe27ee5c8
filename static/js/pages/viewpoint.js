// Holds the moment the page shows and how much it knows of it, and answers what panels ask.

import { condition, vital } from './vitals.js';

export class Viewpoint {
  #client;
  #config;
  #book;
  #clock;
  #synced = false;
  /** Server ms of the pause. @type {number | null} */
  pausedAt = null;
  /** Server ms of the last sign of life of a connection that is gone and whose loss is shown. @type {number | null} */
  cutAt = null;

  /**
   * @param {import('../live/client.js').Client} client @param {import('./types.js').PageConfig} config @param {import('./gap_book.js').GapBook} book
   * @param {() => number} clock server time before the socket has told it
   */
  constructor(client, config, book, clock) {
    this.#client = client;
    this.#config = config;
    this.#book = book;
    this.#clock = clock;
    this.window = config.range * 1000;
  }

  /** The server has said what time it is. */
  synced() {
    this.#synced = true;
  }

  /** @returns {number} server ms */
  now = () => (this.#synced ? this.#client.now() : this.#clock());

  /** @returns {'live' | 'paused' | 'cut'} */
  mode = () => (this.pausedAt !== null ? 'paused' : this.cutAt !== null ? 'cut' : 'live');

  /** Where the time axis ends. */
  end = () => this.pausedAt ?? this.now();

  /** Up to when anything is known. */
  known = () => Math.min(this.pausedAt ?? Infinity, this.cutAt ?? Infinity, this.now());

  /** @param {number} id of a series; until the socket has brought it, as it came with the page */
  series = (id) => {
    const live = this.#client.store.series(id);
    const { source, key, label, unit, decimals } = this.#config.series[id] ?? { source: live?.src, key: String(id), label: '', unit: '', decimals: null };
    const [time, last] = live?.time ? [live.time, live.last] : this.#config.latest[id] ?? [null, null];
    return { id, src: source, label: label || key, unit, decimals, last, time };
  };

  /** @param {number} id */
  view = (id) => {
    const kind = this.#client.store.series(id)?.kind;
    return kind === 'number' ? this.#client.store.view(id) : null;
  };

  firstSince = (id, time) => this.#client.store.firstSince(id, time);

  /** @param {number} src @returns {import('../panels/vital.js').Vital} */
  vital = (src) => vital(this.#source(src), this.#at());

  /** @param {number} src */
  gaps = (src) => {
    const source = this.#source(src);
    const { level } = vital(source, { mode: 'live', end: this.known(), known: this.known() });
    return this.#book.of(src, { silent: level === 'stale' ? source.last : null });
  };

  /** The sources of the page, by name. */
  sources = () => {
    const at = this.#at();
    return Object.keys(this.#config.sources).map((id) => {
      const source = this.#source(Number(id));
      const { age, level } = vital(source, at);
      // The rate was told with the last state; of a source that has fallen silent since it would be a word of yesterday.
      const hz = at.mode === 'cut' ? null : level === 'stale' ? 0 : source.hz;
      return { src: source.src, name: source.name, hz, msg: source.msg, age, ...condition(source, at) };
    });
  };

  #at() {
    return { mode: this.mode(), end: this.end(), known: this.known() };
  }

  #source(src) {
    const written = this.#config.sources[src];
    const live = this.#client.sources.find((source) => source.src === src);
    const newest = Math.max(this.#client.store.newest(src) ?? 0, live?.quietAt ?? 0, written?.last ?? 0);
    const { name, cadence, state, hz, msg } = live ?? { name: '', cadence: 1, state: 'unknown', hz: null, msg: '', ...written };
    return {
      src, name: name || written?.name || '', cadence, state, hz: hz ?? written?.hz ?? null, msg: msg ?? '', last: newest || null,
      since: live?.askedAt ?? written?.since ?? this.#config.now,
    };
  }
}
