// Joins the crosshair that line charts share, for a chart that is not theirs.

import uPlot from './uplot.js';

/** A member of one of uPlot's groups: what it needs of a member is `pub`. */
export class Crosshair {
  #group;
  #onPoint;

  /** @param {string} group @param {(time: number | null) => void} onPoint another chart is pointed at, at this moment (ms), or no longer */
  constructor(group, onPoint) {
    this.#group = uPlot.sync(group);
    this.#onPoint = onPoint;
    this.#group.sub(this);
  }

  /** Called by uPlot for what happens in another chart. @param {string} type @param {any} plot @param {number} left px, below 0 when the pointer has gone */
  pub(type, plot, left) {
    if (type === 'mousemove') this.#onPoint(left < 0 ? null : plot.posToVal(left, 'x'));
  }

  /** Points the others at a moment. @param {number | null} time ms; null: nobody points any more */
  point(time) {
    for (const plot of this.#group.plots) {
      if (plot === this) continue;
      const left = time === null ? -10 : plot.valToPos(time, 'x');
      // Not published again: everybody is told here.
      plot.setCursor({ left: left < plot.over.clientWidth ? left : -10, top: left < 0 ? -10 : plot.over.clientHeight / 2 }, true, false);
    }
  }

  leave() {
    this.#group.unsub(this);
  }
}
