// Turns candles into an unbroken row of slots, and finds the cheapest way to bring a chart up to date with them.

/** @typedef {{time: number, candle: import('./fold.js').Candle | null}} Slot  time: ms; null: nothing was traded, or nothing is known */

/**
 * A chart of candles has one place for each candle and none for time in which nothing happened. Empty slots keep time even.
 * @param {readonly import('./fold.js').Candle[]} candles @param {number} step ms @param {number} from ms @param {number} to ms
 * @returns {Slot[]} from the slot that holds `from` to the one that holds `to`
 */
export function slots(candles, step, from, to) {
  const known = new Map(candles.map((candle) => [candle.time, candle]));
  const made = [];
  for (let time = Math.floor(from / step) * step; time <= to; time += step) made.push({ time, candle: known.get(time) ?? null });
  return made;
}

const same = (a, b) =>
  a === b || (a !== null && b !== null && a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close && a.volume === b.volume);

/**
 * @param {readonly Slot[]} shown what the chart has @param {readonly Slot[]} wanted what it should show
 * @param {number} limit slots the chart may hold
 * @returns {Slot[] | null} to append or overwrite at the end, in this order; null: it must be filled anew, because something older than
 *   its last slot has changed, the step is another, or it has grown too long (it cannot be shortened at its head)
 */
export function difference(shown, wanted, limit) {
  if (shown.length === 0 || wanted.length === 0) return null;
  const step = shown.length > 1 ? shown[1].time - shown[0].time : NaN;
  const ahead = Math.round((wanted[0].time - shown[0].time) / step);
  if (!(ahead >= 0) || shown[ahead]?.time !== wanted[0].time || (wanted.length > 1 && wanted[1].time - wanted[0].time !== step)) return null;
  const known = shown.length - ahead;
  if (known > wanted.length || ahead + wanted.length > limit) return null;
  for (let at = 0; at < known - 1; at += 1) if (!same(shown[ahead + at].candle, wanted[at].candle)) return null;
  const fresh = wanted.slice(known);
  const last = known - 1;
  if (same(shown[ahead + last].candle, wanted[last].candle)) return fresh;
  return [wanted[last], ...fresh];
}
