// Shows several series as lines over the window, and their values in a legend: the latest, or those under the crosshair.

import { LineView } from './line_view.js';
import { Panel } from './panel.js';
import { quote } from './quote.js';

export class LinePanel extends Panel {
  #lines = null;
  #percent;
  /** @type {number | null} */
  #cursor = null;

  constructor(el, config, ctx) {
    super(el, config, ctx);
    const { scale, min, max } = config.options;
    this.#percent = scale === 'percent';
    const host = el.querySelector('.chart');
    if (host) this.#lines = new LineView(this, host, { ids: config.series, percent: this.#percent, min, max, onCursor: (time) => this.#point(time) });
  }

  draw() {
    this.drawHead();
    this.#lines?.draw();
  }

  write() {
    for (const id of this.config.series) {
      const series = this.ctx.series(id);
      const first = this.first(id);
      const at = this.#cursor === null ? series.last : this.#lines.valueAt(id, this.#cursor);
      const { text } = quote({ ...series, last: at }, first);
      if (this.cells.write(id, 'last', text.last)) this.entitle(id, at);
      this.cells.write(id, 'pct', text.percent);
    }
  }

  resize() {
    this.#lines?.resize();
  }

  restyle() {
    super.restyle();
    this.#lines?.restyle();
  }

  destroy() {
    super.destroy();
    this.#lines?.destroy();
  }

  #point(time) {
    if (time === this.#cursor) return;
    this.#cursor = time;
    this.write();
  }
}
