// Chooses the values and moments that an axis names.

/**
 * @param {number} low @param {number} high @param {number} most ticks wanted at most
 * @param {number} [finest] decimals that the values have: an axis is not to be finer than what it measures
 * @returns {{ticks: number[], decimals: number}} round values within, and the decimals that tell them apart
 */
export function valueTicks(low, high, most, finest = 12) {
  const span = high - low;
  if (!(span > 0) || most < 1) return { ticks: [], decimals: 0 };
  const rough = span / most;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const steps = [1, 2, 2.5, 5, 10].map((factor) => ({ step: factor * magnitude, decimals: decimalsOf(factor * magnitude, factor === 2.5) }));
  const { step, decimals } = steps.find((one) => one.step >= rough * 0.999 && one.decimals <= finest) ?? { step: 10 ** -finest, decimals: finest };
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) ticks.push(Number((n * step).toFixed(12)) + 0);
  return { ticks, decimals };
}

const decimalsOf = (step, quarter) => Math.min(12, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (quarter ? 1 : 0)));

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * SECOND).concat([1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((n) => n * MINUTE));

/**
 * @param {number} from ms @param {number} to ms @param {number} most ticks wanted at most @param {number} offset ms of the zone, so that ticks are round on its clock
 * @returns {{ticks: number[], step: number}}
 */
export function timeTicks(from, to, most, offset = 0) {
  const step = STEPS.find((size) => (to - from) / size <= Math.max(1, most)) ?? STEPS.at(-1);
  const ticks = [];
  for (let n = Math.ceil((from + offset) / step); n * step - offset <= to; n += 1) ticks.push(n * step - offset);
  return { ticks, step };
}

/**
 * @param {number} low @param {number} high of what is shown @param {{min?: number, max?: number}} fixed by option
 * @returns {[number, number]} ends of an axis that hold it, never of no height
 */
export function valueRange(low, high, { min, max } = {}) {
  let [bottom, top] = low <= high ? [low, high] : [min ?? 0, max ?? 1];
  if (Number.isFinite(min)) bottom = Math.min(min, bottom);
  if (Number.isFinite(max)) top = Math.max(max, top);
  if (bottom === top) {
    const room = Math.abs(bottom) * 0.001 || 1;
    if (bottom !== min) bottom -= room;
    top += room;
  }
  return [bottom, top];
}
