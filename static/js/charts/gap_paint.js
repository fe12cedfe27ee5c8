// Paints the bands of gaps: three causes, three pictures.

import { placeWords } from './gap_bands.js';

export const LANE = 16;

/** @type {Map<string, CanvasPattern>} by kind, colour and pixel ratio */
const patterns = new Map();

/**
 * @param {CanvasRenderingContext2D} pen in CSS pixels of the plot: its left top corner is 0, 0
 * @param {readonly import('./gap_bands.js').Band[]} bands
 * @param {{x: (ms: number) => number, width: number, height: number, lane: number, palette: import('./palette.js').Palette, ratio: number}} plot
 *   lane: height of the strip at the top that no line enters
 */
export function paintGaps(pen, bands, plot) {
  const { x, width, height, lane, palette } = plot;
  pen.save();
  pen.font = palette.font;
  pen.lineWidth = 1;
  for (const band of bands) {
    const left = Math.max(0, x(band.from));
    const right = band.to === null ? width : Math.min(width, x(band.to));
    if (band.kind === 'repaired') bracket(pen, left, right, lane, palette);
    else paintBand(pen, band, left, Math.max(left + 2, right), plot);
  }
  pen.fillStyle = palette.ink2;
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  for (const { text, left } of placeWords(bands, x, width, (words) => pen.measureText(words).width)) pen.fillText(text, left, lane / 2);
  pen.restore();
}

function paintBand(pen, { kind, from, to }, left, right, { x, height, lane, palette, ratio }) {
  if (kind === 'lost' || kind === 'offline') {
    pen.fillStyle = pattern(pen, kind, palette, ratio);
    pen.fillRect(left, 0, right - left, height);
  }
  pen.strokeStyle = palette.muted;
  pen.beginPath();
  if (x(from) >= 0) edge(pen, left, to === null ? lane : 0, height);
  if (to !== null && kind !== 'silent') edge(pen, right, 0, height);
  pen.stroke();
}

function edge(pen, at, top, foot) {
  const sharp = Math.round(at) + 0.5;
  pen.moveTo(sharp, top);
  pen.lineTo(sharp, foot);
}

function bracket(pen, left, right, lane, palette) {
  pen.strokeStyle = palette.ink2;
  const [a, b, foot] = [Math.round(left) + 0.5, Math.round(Math.max(right, left + 3)) + 0.5, lane - 0.5];
  pen.beginPath();
  pen.moveTo(a, foot - 3);
  pen.lineTo(a, foot);
  pen.lineTo(b, foot);
  pen.lineTo(b, foot - 3);
  pen.stroke();
}

/** Ticks that are lost: diagonal. The viewer's own cut: upright. */
function pattern(pen, kind, { line2, scale }, ratio) {
  const key = `${kind} ${line2} ${ratio * scale}`;
  let made = patterns.get(key);
  if (!made) {
    const size = (kind === 'lost' ? 6 : 4) * scale;
    const tile = document.createElement('canvas');
    tile.width = tile.height = Math.max(1, Math.round(size * ratio));
    const grain = tile.getContext('2d');
    grain.scale(tile.width / size, tile.height / size);
    grain.strokeStyle = line2;
    grain.lineWidth = 1;
    grain.beginPath();
    for (const [fromX, fromY, toX, toY] of kind === 'lost' ? diagonals(size) : [[0.5, 0, 0.5, size]]) {
      grain.moveTo(fromX, fromY);
      grain.lineTo(toX, toY);
    }
    grain.stroke();
    made = pen.createPattern(tile, 'repeat');
    made.setTransform(new DOMMatrix().scale(size / tile.width, size / tile.height));
    if (patterns.size > 16) patterns.clear(); // themes come and go, and a window may move between screens
    patterns.set(key, made);
  }
  return made;
}

const diagonals = (size) => [[-1, 1, 1, -1], [-1, size + 1, size + 1, -1], [size - 1, size + 1, size + 1, size - 1]];

/** A source fell silent: its last value is carried on as dots, never as a line. */
export function paintSilence(pen, left, right, y, palette) {
  if (right - left < 2) return;
  pen.save();
  pen.strokeStyle = palette.muted;
  pen.lineWidth = 1;
  pen.setLineDash([1, 3]);
  pen.beginPath();
  pen.moveTo(left, Math.round(y) + 0.5);
  pen.lineTo(right, Math.round(y) + 0.5);
  pen.stroke();
  pen.restore();
}
