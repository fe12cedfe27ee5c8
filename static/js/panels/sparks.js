// Draws the sparklines of a panel, each at most once a second: its hundred pixels stand for minutes.

import { Spark } from '../charts/spark.js';
import { breaking } from '../charts/gap_bands.js';

const EVERY_MS = 1_000;

export class Sparks {
  #panel;
  /** @type {Map<number, Spark>} */
  #sparks = new Map();
  /** @type {Map<number, {stamp: string, at: number}>} what was drawn, and when */
  #drawn = new Map();
  #turn = 0;

  /** @param {import('./panel.js').Panel} panel */
  constructor(panel) {
    this.#panel = panel;
    for (const id of panel.config.series) for (const host of panel.cells.of(id, 'spark')) this.#sparks.set(id, new Spark(host));
  }

  /** @param {number} id @param {number} now monotonic ms */
  draw(id, now) {
    const spark = this.#sparks.get(id);
    const before = this.#drawn.get(id);
    if (!spark || (before && now - before.at < EVERY_MS)) return;
    const { ctx, palette } = this.#panel;
    const end = ctx.end();
    const series = ctx.series(id);
    const stamp = `${series.time} ${series.last} ${Math.floor(end / (ctx.window() / 200))} ${ctx.window()}`;
    if (before?.stamp === stamp) return;
    // All begin together; from then on they take turns.
    const turn = before ? 0 : ((this.#turn += 1) % 10) / 10;
    this.#drawn.set(id, { stamp, at: now - turn * EVERY_MS });
    spark.draw(ctx.view(id), end - ctx.window(), end, palette, breaking(ctx.gaps(series.src)));
  }

  resize() {
    for (const spark of this.#sparks.values()) spark.resize();
    this.renew();
  }

  renew() {
    this.#drawn.clear();
  }
}
