// Writes how a source stands into the row or fields that the server has made for it.

import { reshape } from '../panels/badge.js';
import { Cells } from '../panels/cells.js';
import { capital } from '../panels/vital.js';
import { age, figure } from '../panels/words.js';
import { condition } from './vitals.js';

const NOTHING = '–';

/**
 * @param {import('../live/standings.js').Standing} source
 * @param {{mode: 'live' | 'cut', end: number, known: number}} at
 * @returns {{shape: string, word: string, note: string}}
 */
export function standingWords(source, at) {
  if (at.mode === 'cut') return { shape: 'unknown', word: 'unknown', note: '' };
  if (!source.enabled) return { shape: 'stopped', word: 'stopped', note: 'It is disabled.' };
  // Whoever held it has let it go, or has died: what was last said of it is not how it is.
  if (source.told && source.worker === null) return { shape: 'unknown', word: 'unknown', note: 'No worker runs it.' };
  const { shape, word } = condition({ ...source, since: source.since ?? at.end }, at);
  return { shape, word, note: source.msg };
}

export class StandingRows {
  #cells;

  /** @param {ParentNode} root */
  constructor(root) {
    this.#cells = new Cells(root, 'source');
  }

  /** @param {import('../live/standings.js').Standing} source @param {{mode: 'live' | 'cut', end: number, known: number}} at */
  show(source, at) {
    const { src } = source;
    this.#state(src, standingWords(source, at));
    const cut = at.mode === 'cut';
    this.#cells.write(src, 'enabled', source.enabled ? 'Yes' : 'No');
    if (cut) return;
    this.#cells.write(src, 'hz', source.hz === null || source.worker === null ? NOTHING : figure(source.hz, 1));
    this.#cells.write(src, 'age', source.last === null ? NOTHING : age(at.end - source.last));
    if (!source.told) return;
    for (const [name, number] of Object.entries({ published: source.head, gap: source.lost, refused: source.refused, viewers: source.viewers })) {
      this.#cells.write(src, name, figure(number, 0));
    }
    this.#cells.write(src, 'worker', source.worker ?? 'nobody');
  }

  /** Those of the page that are not looked after any more have been deleted. @param {number[]} all @param {Set<number>} here */
  showGone(all, here) {
    for (const src of all) if (!here.has(src)) this.#state(src, { shape: 'unknown', word: 'deleted', note: '' });
  }

  #state(src, { shape, word, note }) {
    for (const cell of this.#cells.of(src, 'state')) {
      reshape(cell.querySelector('.shape'), shape);
      this.#cells.put(cell.lastElementChild, capital(word));
      cell.classList.toggle('warn', shape === 'late' || shape === 'stale');
    }
    for (const cell of this.#cells.of(src, 'note')) {
      this.#cells.put(cell, note);
      if (cell.hidden !== (note === '')) cell.hidden = note === '';
    }
  }
}
