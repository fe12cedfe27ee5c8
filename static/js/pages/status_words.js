// Turns the state of the connection into what the page says of it: a word, a shape, a sentence, and one thing to do.

import { age } from '../panels/words.js';

/**
 * @typedef {object} Status
 * @property {'connecting' | 'live' | 'delayed' | 'down' | 'stopped'} page  for `data-state`
 * @property {string} shape
 * @property {string} word
 * @property {string} why      a whole sentence; '' when all is well
 * @property {string} brief    the same where there is no room
 * @property {'retry' | 'login' | 'reload' | ''} act
 * @property {string} action   the word on its button
 */

const ACTIONS = { retry: 'Try now', login: 'Sign in', reload: 'Reload' };
const STOPPED = {
  signed_out: ['Signed out', 'login'], forbidden: ['No access', 'reload'], malformed: ['Stopped', 'reload'], mismatch: ['New version', 'reload'],
};

/**
 * @param {import('../live/types.js').State} state
 * @param {{now: number, left: number, cutAt: number | null, clock: (ms: number) => string, quiet: number}} at  left: ms to the next try; cutAt: server ms of the last sign of life of
 *   a connection that is gone, null: there was none yet; quiet: ms since the last frame
 * @returns {Status}
 */
export function statusWords(state, { now, left, cutAt, clock, quiet }) {
  switch (state.state) {
    case 'live':
      return well('live', 'live', 'Live');
    case 'delayed':
      return well('delayed', 'late', `Delayed ${age(quiet)}`);
    case 'closed':
      return stopped(state, now, cutAt, clock);
    case 'waiting':
    case 'offline':
      return down(state, left, now, cutAt, clock);
    case 'suspended':
      return trouble('down', 'broken', 'Resting', 'The page rests while nobody looks.', since(now, cutAt, clock), now, cutAt, 'retry');
    default:
      if (cutAt === null) return well('connecting', 'unknown', state.state === 'syncing' ? 'Loading' : 'Connecting');
      return trouble('down', 'broken', state.state === 'syncing' ? 'Catching up' : 'Reconnecting', state.text, since(now, cutAt, clock), now, cutAt, 'retry');
  }
}

function well(page, shape, word) {
  return { page, shape, word, why: '', brief: '', act: '', action: '' };
}

function down(state, left, now, cutAt, clock) {
  const seconds = Math.max(0, Math.ceil(left / 1000));
  const soon = seconds > 0 ? `Reconnecting in ${seconds} s` : 'Reconnecting';
  if (state.state === 'offline') return trouble('down', 'broken', 'Offline', 'This device has no network.', since(now, cutAt, clock), now, cutAt, 'retry');
  if (state.reason === 'restart') return trouble('down', 'broken', seconds > 0 ? `Restarting, back in ${seconds} s` : 'Restarting', 'The server is restarting.', since(now, cutAt, clock), now, cutAt, 'retry');
  const told = TELL.has(state.reason) ? state.text : '';
  return trouble('down', state.reason === 'slow' ? 'stopped' : 'broken', soon, told, since(now, cutAt, clock), now, cutAt, 'retry');
}

/** Losses whose cause helps; of the others the page only knows that they happened. */
const TELL = new Set(['slow', 'too_many_messages', 'too_many_sockets', 'server_error', 'busy', 'blocked', 'server_down', 'stuck', 'unanswered', 'bad_frames']);

function stopped(state, now, cutAt, clock) {
  const [word, act] = STOPPED[state.reason] ?? ['Stopped', 'reload'];
  return trouble('stopped', 'stopped', word, `${state.said || state.text} ${state.action}`.trim(), cutAt === null ? '' : `All figures are from ${clock(cutAt)}.`, now, cutAt, act);
}

function since(now, cutAt, clock) {
  if (cutAt === null) return 'There has been no contact yet. The figures came with the page.';
  return `No contact since ${clock(cutAt)}, ${age(now - cutAt)} ago. All figures are from then.`;
}

function trouble(page, shape, word, cause, when, now, cutAt, act) {
  return { page, shape, word, why: `${cause} ${when}`.trim(), brief: cutAt === null ? 'no contact yet' : `${age(now - cutAt)} old`, act, action: ACTIONS[act] };
}
