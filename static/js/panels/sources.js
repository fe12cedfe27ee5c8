// Shows how each source is: in a shape and a word, how much it ticks, how old its newest tick is, and what is wrong.

import { age } from '../charts/ages.js';
import { figure } from '../charts/figures.js';
import { reshape } from './badge.js';
import { Cells } from './cells.js';
import { Panel } from './panel.js';
import { capital } from './vital.js';

export class SourcesPanel extends Panel {
  #rows = new Cells(this.el, 'source');

  // Its sources are the page's, and what is wrong with one of them is said in its row, not in the head.
  update() {
    return true;
  }

  draw() {
    for (const source of this.ctx.sources()) this.#write(source);
  }

  #write({ src, name, hz, msg, shape, word, age: ms }) {
    for (const cell of this.#rows.of(src, 'state')) {
      reshape(cell.querySelector('.shape'), shape);
      const text = cell.querySelector('span');
      if (text) this.#rows.put(text, capital(word));
      cell.classList.toggle('warn', shape === 'late' || shape === 'stale');
    }
    this.#rows.write(src, 'name', name);
    this.#rows.write(src, 'hz', hz === null ? '–' : figure(hz, 1));
    this.#rows.write(src, 'age', ms === null ? '–' : age(ms));
    for (const cell of this.#rows.of(src, 'note')) {
      if (this.#rows.put(cell, msg)) cell.title = msg;
      cell.hidden = msg === '';
    }
  }
}
