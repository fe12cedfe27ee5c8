// Shows one value between two ends as a filled track.

import { Panel } from './panel.js';
import { Quotes } from './quotes.js';

/** @param {number | string | null} value @param {{min?: number, max?: number}} ends @returns {number} 0 to 100 */
export function share(value, { min = 0, max = 100 } = {}) {
  if (typeof value !== 'number' || !Number.isFinite(value) || !(max > min)) return 0;
  return Math.min(100, Math.max(0, ((value - min) / (max - min)) * 100));
}

export class GaugePanel extends Panel {
  #quotes = new Quotes(this);

  draw() {
    this.drawHead();
    for (const id of this.config.series) {
      const { value } = this.#quotes.write(id);
      const length = `${share(value, this.config.options).toFixed(1)} 100`;
      for (const bar of this.cells.of(id, 'bar')) if (bar.getAttribute('stroke-dasharray') !== length) bar.setAttribute('stroke-dasharray', length);
    }
  }
}
