// Holds the parts of snapshots until each is complete, so that a page never shows half of one.

export class Snapshots {
  /** @type {Map<number, {epoch: string, seq: number, parts: (import('./rows.js').Rows | undefined)[], missing: number}>} */
  #staged = new Map();

  /**
   * @param {{src: number, epoch: string, seq: number, part: number, parts: number, rows: import('./rows.js').Rows}} snap one frame
   * @returns {import('./rows.js').Rows[] | null} all parts in order once the last has come, else null
   */
  add({ src, epoch, seq, part, parts, rows }) {
    let stage = this.#staged.get(src);
    if (!stage || stage.epoch !== epoch || stage.seq !== seq || stage.parts.length !== parts) {
      stage = { epoch, seq, parts: new Array(parts), missing: parts }; // parts of another snapshot will not be completed any more
      this.#staged.set(src, stage);
    }
    if (stage.parts[part - 1] === undefined) stage.missing -= 1;
    stage.parts[part - 1] = rows;
    if (stage.missing > 0) return null;
    this.#staged.delete(src);
    return stage.parts;
  }

  /** @param {number} [src] all of them when left out */
  drop(src) {
    if (src === undefined) this.#staged.clear();
    else this.#staged.delete(src);
  }
}
