// Draws a sparkline: a muted line and a dot in ink where it stands now.

import { Columns } from './columns.js';
import { sparkShape } from './spark_shape.js';

const DOT = 1.75;
const PAD = 2.25;

export class Spark {
  #host;
  #canvas = null;
  #pen = null;
  #width = 0;
  #height = 0;
  #columns = new Columns();

  /** @param {HTMLElement} host whatever the server put into it makes way, once there is something to draw */
  constructor(host) {
    this.#host = host;
    this.resize();
  }

  /** Call it when the host may have changed its size: reading sizes while drawing would lay the page out again for every row. */
  resize() {
    const { clientWidth, clientHeight } = this.#host;
    this.#width = clientWidth;
    this.#height = clientHeight;
  }

  /**
   * @param {import('./columns.js').Rows | null} rows
   * @param {number} from ms @param {number} to ms @param {import('./palette.js').Palette} palette @param {readonly {from: number, to: number}[]} breaks
   */
  draw(rows, from, to, palette, breaks) {
    const pen = this.#ready();
    if (!pen) return;
    const pad = PAD * palette.scale;
    // Two points a pixel are all that can be seen.
    this.#columns.take(rows, (to - from) / (2 * this.#width), from);
    const { points, starts, end } = sparkShape(this.#columns.view(), from, to, this.#width - 2 * pad, this.#height - 2 * pad, breaks);
    pen.translate(pad, pad);
    pen.strokeStyle = palette.muted;
    pen.lineWidth = 1.25 * palette.scale;
    pen.lineJoin = 'round';
    pen.beginPath();
    let next = 0;
    for (let i = 0; i < points.length; i += 2) {
      if (starts[next] === i / 2) {
        pen.moveTo(points[i], points[i + 1]);
        next += 1;
      } else pen.lineTo(points[i], points[i + 1]);
    }
    pen.stroke();
    if (!end) return;
    pen.fillStyle = palette.ink;
    pen.beginPath();
    pen.arc(end[0], end[1], DOT * palette.scale, 0, 2 * Math.PI);
    pen.fill();
  }

  // A canvas weighs something even when it is blank, and most rows of a long table are never looked at.
  #make() {
    this.#canvas = document.createElement('canvas');
    this.#canvas.setAttribute('aria-hidden', 'true');
    this.#pen = this.#canvas.getContext('2d');
    this.#host.replaceChildren(this.#canvas);
  }

  #ready() {
    if (this.#width < 8 || this.#height < 8) return null;
    if (!this.#canvas) this.#make();
    const ratio = devicePixelRatio;
    const width = Math.round(this.#width * ratio);
    const height = Math.round(this.#height * ratio);
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#pen.clearRect(0, 0, this.#width, this.#height);
    return this.#pen;
  }
}
