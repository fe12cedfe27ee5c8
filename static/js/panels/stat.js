// Shows one series as a large figure, its change and a sparkline; where there is room, over a line of its own.

import { LineView } from './line_view.js';
import { Panel } from './panel.js';
import { Quotes } from './quotes.js';
import { Sparks } from './sparks.js';

export class StatPanel extends Panel {
  #quotes = new Quotes(this);
  #sparks = new Sparks(this);
  #lines = null;

  constructor(el, config, ctx) {
    super(el, config, ctx);
    const host = el.querySelector('.chart');
    if (host) this.#lines = new LineView(this, host, { ids: config.series.slice(0, 1), percent: false, top: this.overlap });
  }

  draw(now) {
    this.drawHead();
    for (const id of this.config.series) this.#sparks.draw(id, now);
    this.#lines?.draw();
  }

  write() {
    for (const id of this.config.series) this.#quotes.write(id);
  }

  resize() {
    this.#sparks.resize();
    this.#lines?.resize();
  }

  restyle() {
    super.restyle();
    this.#sparks?.renew();
    this.#lines?.restyle();
  }

  destroy() {
    super.destroy();
    this.#lines?.destroy();
  }
}
