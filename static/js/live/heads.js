// Holds how far the server says each source is, and notices a viewer who stands still behind it.

/** A position that two heartbeats in a row find behind and unmoved cannot be a frame still on its way: ask for it again. */
export const ASK_AFTER = 2;
/** Asking did not help either: take a new connection. */
export const GIVE_UP_AFTER = 4;

export class Heads {
  /** @type {Map<number, {epoch: string, seq: number, seen: number | null, still: number}>} */
  #heads = new Map();

  /** @param {number} src @param {string} epoch @param {number} seq */
  set(src, epoch, seq) {
    const head = this.#heads.get(src);
    if (head) Object.assign(head, { epoch, seq });
    else this.#heads.set(src, { epoch, seq, seen: null, still: 0 });
  }

  /** @param {number} src @param {[string, number] | null} position @returns {number} seqs between the viewer and the head, 0 when not comparable */
  waiting(src, position) {
    const head = this.#heads.get(src);
    if (!head || !position || head.epoch !== position[0]) return 0;
    return Math.max(0, head.seq - position[1]);
  }

  /**
   * Call it once per heartbeat.
   * @param {number} src @param {[string, number] | null} position of the viewer
   * @returns {number} heartbeats in a row that found him elsewhere than the head and unmoved; 1 is ordinary
   */
  standing(src, position) {
    const head = this.#heads.get(src);
    if (!head) return 0;
    const [epoch, pos] = position ?? [null, null];
    const there = epoch === head.epoch && pos === head.seq;
    const moved = head.still > 0 && pos !== head.seen;
    head.still = there ? 0 : moved ? 1 : head.still + 1;
    head.seen = pos;
    return head.still;
  }

  /** @param {number} src */
  forget(src) {
    this.#heads.delete(src);
  }

  /** A new connection starts with a clean sheet; what is known of the heads stays. */
  restart() {
    for (const head of this.#heads.values()) head.still = 0;
  }
}
