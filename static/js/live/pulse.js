// Turns the flow of frames into two doubts: is what should come delayed, and does anybody answer at all.

import { Silence } from './silence.js';

export const PROOF_MS = 3_000;
/** Heartbeats without any frame after which the page says "delayed". The socket itself is given up at 2.5. */
export const OVERDUE_HEARTBEATS = 1.5;

export class Pulse {
  #proof;
  #delay;
  #fed = false;
  #heartbeatMs = 10_000;

  /**
   * @param {object} seams
   * @param {object} on
   * @param {() => void} on.delayed
   * @param {() => void} on.dead       a ping was not answered
   * @param {() => number} on.dataEvery  ms within which data must come if all is well; Infinity: none is due
   */
  constructor(seams, on) {
    this.#proof = new Silence(seams, () => PROOF_MS, on.dead);
    this.#delay = new Silence(seams, () => this.#limit(seams, on.dataEvery), on.delayed);
  }

  /** @param {number} heartbeat seconds */
  start(heartbeat) {
    this.#heartbeatMs = heartbeat * 1000;
    this.#fed = false;
    this.#delay.start();
  }

  stop() {
    this.#proof.stop();
    this.#delay.stop();
  }

  /**
   * A frame has come. Data that flowed must go on flowing: from then on its absence counts within seconds. A heartbeat instead of it
   * says that the line is sound and the source merely quiet, which is the source's own state to tell.
   * @param {string} kind its `t`
   */
  heard(kind) {
    this.#proof.stop();
    this.#delay.heard();
    const fed = kind === 'd' || kind === 'stat' || (kind !== 'hb' && this.#fed);
    if (fed === this.#fed) return;
    this.#fed = fed;
    if (this.#delay.running) this.#delay.look();
  }

  /** Watches for the next delay; needed after one was reported, and when patience has changed. */
  watch() {
    this.#delay.look();
  }

  /** Something must come soon, or nobody is there. @returns {boolean} false: already waiting for proof */
  demand() {
    if (this.#proof.running) return false;
    this.#proof.start();
    return true;
  }

  #limit(seams, dataEvery) {
    if (seams.visibility() === 'hidden') return Infinity; // nobody looks, and timers are held back
    const overdue = OVERDUE_HEARTBEATS * this.#heartbeatMs;
    return this.#fed ? Math.min(overdue, dataEvery()) : overdue;
  }
}
