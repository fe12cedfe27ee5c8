// Holds what must still arrive before a new connection may be called live, and how each source was taken up again.

/**
 * @typedef {object} Resume
 * @property {boolean} recovered   every source went on exactly where it had stopped
 * @property {number | null} cutFor  ms without a connection; null on the first
 * @property {{src: number, recovered: boolean, why: string | null}[]} sources
 */

export class Catchup {
  /** @type {Map<number, {epoch: string, seq: number, resumed: boolean, at: number}>} */
  #targets = new Map();
  /** @type {Map<number, Resume['sources'][0]>} */
  #answers = new Map();
  #cutFor = null;

  /** @param {number | null} cutFor */
  restart(cutFor) {
    this.#targets.clear();
    this.#answers.clear();
    this.#cutFor = cutFor;
  }

  /**
   * The server has said where the head of a source is; the page is up to date when it has come that far.
   * @param {{src: number, epoch: string, seq: number, recovered: boolean, why?: string | null}} source of `subd` @param {number} at server ms
   * @returns {boolean} whether this is the first answer for the source on this connection
   */
  expect({ src, epoch, seq, recovered, why }, at) {
    const first = !this.#answers.has(src);
    const resumed = recovered || why === 'trimmed';
    this.#targets.set(src, { epoch, seq, resumed, at });
    if (first) this.#answers.set(src, { src, recovered, why: why ?? null });
    return first;
  }

  /** A snapshot of another epoch than was announced: the source began anew meanwhile. @param {number} src @param {string} epoch */
  started(src, epoch) {
    if (this.#targets.get(src)?.epoch !== epoch) this.#targets.delete(src);
  }

  /** @param {number} src */
  forget(src) {
    this.#targets.delete(src);
  }

  /**
   * @param {import('./ledger.js').Ledger} ledger
   * @param {(src: number, target: {resumed: boolean, at: number}) => void} reached called once for each source that has arrived
   */
  advance(ledger, reached) {
    if (this.#targets.size === 0) return;
    for (const [src, target] of this.#targets) {
      if (!ledger.reached(src, target.epoch, target.seq)) continue;
      this.#targets.delete(src);
      reached(src, target);
    }
  }

  get done() {
    return this.#targets.size === 0;
  }

  /** @returns {Resume} */
  get result() {
    const sources = [...this.#answers.values()];
    return { recovered: sources.every((source) => source.recovered), cutFor: this.#cutFor, sources };
  }
}
