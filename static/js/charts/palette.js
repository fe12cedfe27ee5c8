// Holds the colours and sizes of the page's style sheet as a canvas needs them: read once, and again when the theme changes.

const NAMES = ['paper', 'raise', 'line', 'line2', 'grid', 'ink', 'ink2', 'muted', 'dim', 'bar', 'up', 'down', 'warn', 'alarm', 'c1', 'c2', 'c3', 'c4', 'c5'];
const SOLID = 5;

/**
 * @typedef {Record<string, string> & {family: string, font: string, scale: number, stroke: number, series: {color: string, dash: number[]}[]}} Palette
 *   a colour under the name of each custom property; `scale`: size of the root font over 16 px, for kiosk and large print
 */

/**
 * A custom property comes back as it was written (`light-dark(…)`), which a canvas does not understand. So a probe takes each colour as
 * its own, and the browser says what that is.
 * @param {HTMLElement} host the panel: a stale one redefines the colours @returns {Palette}
 */
export function readPalette(host) {
  const probe = document.createElement('i');
  probe.hidden = true;
  host.append(probe);
  const style = getComputedStyle(probe);
  const palette = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    palette[name] = style.color;
  }
  probe.remove();
  const root = getComputedStyle(document.documentElement);
  palette.scale = parseFloat(root.fontSize) / 16;
  palette.stroke = parseFloat(root.getPropertyValue('--stroke')) || 1.5;
  palette.family = getComputedStyle(document.body).fontFamily;
  palette.font = `${11 * palette.scale}px ${palette.family}`;
  palette.series = seriesStyles(palette);
  return palette;
}

/** One to four in colour, the fifth in ink and dashed, then the first three again, dashed. */
function seriesStyles(palette) {
  return Array.from({ length: 8 }, (_, at) => ({ color: palette[`c${(at % SOLID) + 1}`], dash: at < SOLID - 1 ? [] : [4, 2] }));
}

/** @type {Map<string, string>} */
const known = new Map();
let drop = null;

/** @param {string} color in any notation of CSS @returns {string} as `rgb(…)`, for those who understand nothing else */
export function rgb(color) {
  let made = known.get(color);
  if (!made) {
    drop ??= Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    drop.clearRect(0, 0, 1, 1);
    drop.fillStyle = color;
    drop.fillRect(0, 0, 1, 1);
    const [red, green, blue] = drop.getImageData(0, 0, 1, 1).data;
    made = `rgb(${red}, ${green}, ${blue})`;
    known.set(color, made);
  }
  return made;
}
