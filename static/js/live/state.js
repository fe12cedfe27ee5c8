// Holds what a page may know of its connection, as one frozen object that is replaced and never changed.

/** @typedef {import('./types.js').State} State */

const NO_TROUBLE = Object.freeze({ code: null, reason: null, text: '', action: '', said: '' });

export const UP = new Set(['syncing', 'live', 'delayed']);
export const DOWN = new Set(['waiting', 'offline']);

export class StateKeeper {
  #clock;
  #journal;
  #tell;
  /** @type {State} */
  #state;

  /** @param {{now(): number, rtt: number | null}} clock @param {import('./journal.js').Journal} journal @param {(state: State) => void} tell */
  constructor(clock, journal, tell) {
    this.#clock = clock;
    this.#journal = journal;
    this.#tell = tell;
    this.#state = Object.freeze({ state: 'idle', since: clock.now(), attempt: 0, retryAt: null, rtt: null, ...NO_TROUBLE, resume: null, notice: null });
  }

  /** @returns {State} */
  get value() {
    return this.#state;
  }

  get name() {
    return this.#state.state;
  }

  get up() {
    return UP.has(this.#state.state);
  }

  get down() {
    return DOWN.has(this.#state.state);
  }

  /** Forgets the last loss: all is well, or nobody wants to know. @param {State['state']} name @param {Partial<State>} [patch] */
  toWell(name, patch = {}) {
    this.to(name, { ...NO_TROUBLE, ...patch });
  }

  /** @param {State['state']} name @param {Partial<State>} [patch] */
  to(name, patch = {}) {
    const before = this.#state;
    const changed = before.state !== name;
    const since = changed ? this.#clock.now() : before.since;
    const retryAt = DOWN.has(name) ? before.retryAt : null;
    this.#state = Object.freeze({ ...before, state: name, since, retryAt, rtt: this.#clock.rtt, ...patch });
    if (changed) this.#journal.note('state', { from: before.state, to: name, reason: this.#state.reason });
    this.#tell(this.#state);
  }

  /** Says it again because a figure has changed. @param {Partial<State>} [patch] */
  refresh(patch) {
    this.to(this.#state.state, patch);
  }
}
