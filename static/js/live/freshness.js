// Turns the age of the newest tick into fresh, late or stale, judged against the cadence of its source.

/** @param {number} cadence seconds between ticks @returns {number} ms after which a tick is overdue */
export const lateAfter = (cadence) => 1.5 * cadence * 1000 + 1000;
/** @param {number} cadence seconds @returns {number} ms after which a value no longer stands for the present */
export const staleAfter = (cadence) => 3 * cadence * 1000 + 2000;

/**
 * @typedef {object} Freshness
 * @property {'empty' | 'fresh' | 'late' | 'stale'} level  `empty`: nothing has come yet and nothing is overdue yet
 * @property {number | null} age     ms since the newest tick; null when there is none
 * @property {boolean} empty         there is no tick at all, whatever the level
 * @property {number | null} changesAt  server time at which the level gets worse unless a tick comes; null when it cannot
 */

/**
 * All times are server time in ms, so neither a wrong clock nor a cut socket can make an old value look new: when nothing comes any
 * more, `now` goes on and the level follows.
 * @param {{cadence: number, last: number | null, since: number, now: number}} of
 *   last: time of the newest tick, null when none has come; since: when waiting began, used when there is no tick
 * @returns {Freshness}
 */
export function judge({ cadence, last, since, now }) {
  const empty = last === null;
  const from = empty ? since : Math.min(last, now); // a source whose clock is ahead cannot have ticked in the future
  const age = Math.max(0, now - from);
  const late = lateAfter(cadence);
  const stale = staleAfter(cadence);
  const level = age > stale ? 'stale' : age > late ? 'late' : empty ? 'empty' : 'fresh';
  const changesAt = level === 'stale' ? null : from + (level === 'late' ? stale : late);
  return { level, age: empty ? null : age, empty, changesAt };
}
