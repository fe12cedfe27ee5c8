// Says in the status line, and by the state of the whole page, how the connection is.

import { Grace } from './grace.js';
import { statusWords } from './status_words.js';

export class Status {
  #client;
  #view;
  #facts;
  #voice;
  #grace = new Grace(() => performance.now());
  #timer = null;
  #page = '';
  #heardAt = 0;
  /** @type {import('./status_words.js').Status | null} */
  #shown = null;

  /**
   * @param {import('../live/client.js').Client} client
   * @param {{now: () => number, cutAt: number | null, pausedAt: number | null, synced?: () => void}} view
   * @param {import('./facts.js').Facts} facts @param {import('./voice.js').Voice} voice
   * @param {{clock: (ms: number) => string, changed: () => void, came: number}} page  changed: the page is in another state than before; came:
   *   server ms of the figures that came with it
   */
  constructor(client, view, facts, voice, page) {
    Object.assign(this, { clock: page.clock, changed: page.changed, came: page.came });
    this.#client = client;
    this.#view = view;
    this.#facts = facts;
    this.#voice = voice;
    for (const event of ['ledger', 'dirty', 'meta', 'st', 'stat']) client.on(event, () => (this.#heardAt = view.now()));
    client.on('state', () => this.show());
    for (const button of document.querySelectorAll('[data-act=retry]')) button.addEventListener('click', () => this.#act());
  }

  /** @returns {boolean} whether all is well as far as the page says */
  get live() {
    return this.#page === 'live';
  }

  /** Brings words and fill up to date; call it also when time has passed. */
  show() {
    const { state } = this.#client;
    if (state.state === 'syncing' || state.state === 'live') this.#view.synced?.();
    const shown = this.#grace.take(state);
    this.#again(this.#grace.wait);
    const lost = shown === state && !UP.has(state.state);
    const cutAt = lost ? this.#cutAt() : null;
    const now = this.#view.now();
    // On the client's own clock, which is the viewer's until the server has told the time.
    const left = shown.retryAt === null ? 0 : shown.retryAt - this.#client.now();
    const words = statusWords(shown, { now, left, cutAt, clock: this.clock, quiet: now - this.#heardAt });
    const cut = words.page === 'down' || words.page === 'stopped';
    this.#view.cutAt = cut ? cutAt ?? this.came : null;
    this.#write(words);
    this.#turn(words, cut);
  }

  // The feed notes the last frame of a connection it has lost; the state only knows when the loss was noticed.
  #cutAt() {
    let from = null;
    for (const { src } of this.#client.ledger.all()) {
      const mark = this.#client.store.marks(src).findLast(({ status }) => status === 'offline');
      if (mark?.from) from = Math.max(from ?? 0, mark.from);
    }
    return from ?? (this.#heardAt || null);
  }

  #write(words) {
    const { rtt } = this.#client.state;
    this.#shown = words;
    this.#facts.setAll({ state: words.word, rtt: rtt === null || words.page !== 'live' ? '' : `${Math.max(1, Math.round(rtt))} ms`, why: words.why, seconds: words.brief, action: words.action });
    this.#facts.shape('state', words.shape);
    for (const button of document.querySelectorAll('[data-act=retry]')) button.hidden = words.act === '';
    const line = document.querySelector('.truth[data-when=live]');
    if (line) line.dataset.tone = words.page === 'delayed' ? 'warn' : '';
  }

  #turn(words, cut) {
    const page = this.#view.pausedAt !== null ? 'paused' : words.page;
    const { dataset } = document.documentElement;
    if (dataset.state === page && this.#page === words.page) return;
    const before = this.#page;
    this.#page = words.page;
    dataset.state = page;
    if (cut && before !== words.page) this.#voice.shout(`${words.word}. ${words.why}`);
    if (words.page === 'live' && (before === 'down' || before === 'stopped')) this.#voice.shout('');
    if (words.page === 'live' && before !== 'live' && before !== '' && before !== 'connecting') this.#voice.say('Live again');
    if (words.page === 'delayed') this.#voice.say('Delayed');
    this.changed();
  }

  #again(wait) {
    clearTimeout(this.#timer);
    this.#timer = wait === null ? null : setTimeout(() => this.show(), wait + 5);
  }

  #act() {
    if (this.#shown?.act === 'login') location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
    else if (this.#shown?.act === 'reload') location.reload();
    else this.#client.retryNow();
  }
}

const UP = new Set(['live', 'delayed']);
