// Turns a close code into what it means, whether to come back, and what the person can do.

/**
 * @typedef {object} CloseCode
 * @property {boolean} stop      true: do not reconnect
 * @property {string} reason     one word for programs; with `stop` one of signed_out, forbidden, malformed, mismatch
 * @property {string} text       what happened, for people
 * @property {string} action     what the person can do
 * @property {number} floor      ms to wait at least
 * @property {[number, number] | 'spread' | null} range  ms between which to return when the server says nothing better
 */

const WAIT = 'Nothing to do: the page reconnects by itself.';
const SIGN_IN = 'Sign in again. What is on screen stays, but it is no longer updated.';

/** @returns {CloseCode} */
const retry = (reason, text, { action = WAIT, floor = 0, range = null } = {}) => ({ stop: false, reason, text, action, floor, range });
/** @returns {CloseCode} */
const stop = (reason, text, action) => ({ stop: true, reason, text, action, floor: 0, range: null });

/** @type {Record<number, CloseCode>} */
export const CLOSE_CODES = {
  4001: retry('restart', 'The server is restarting.', { range: [250, 3500] }),
  4002: retry('age', 'The connection had reached its greatest age.', { range: [0, 2000] }),
  4004: retry('server_error', 'The server had an internal error.'),
  4008: retry('slow', 'This browser was too slow to take in the data.', {
    action: 'The page comes back at half the rate. Choose a lower rate if it happens again.', floor: 5_000,
  }),
  4013: retry('too_many_messages', 'This page sent too many messages.', { floor: 10_000 }),
  4029: retry('too_many_sockets', 'Too many live connections are open.', {
    action: 'Close other tabs that show live dashboards; the page tries again by itself.', floor: 30_000,
  }),
  4500: stop('signed_out', 'You were signed out, or your session is over.', SIGN_IN),
  4501: stop('malformed', 'The server could not understand this page.', 'Reload the page. If it happens again, report it with the connection journal.'),
  4502: stop('malformed', 'The page did not introduce itself in time.', 'Reload the page.'),
  4503: stop('forbidden', 'You may no longer see this: the right was withdrawn, or the link was revoked or has expired.', 'Ask its owner for a new link.'),
  4506: stop('mismatch', 'The server is of another version than this page.', 'Reload the page.'),
  1000: retry('closed_by_other', 'Something between this page and the server closed the connection.'),
  1001: retry('going_away', 'The server went away.', { range: 'spread' }),
  1005: retry('dropped', 'The connection was closed without a reason.'),
  1006: retry('dropped', 'The connection was lost.'),
  1009: retry('too_big', 'A message was too big for something on the way.'),
  1011: retry('server_error', 'The server had an internal error.'),
  1012: retry('restart', 'The server is restarting.', { range: 'spread' }),
  1013: retry('busy', 'The server is busy.', { floor: 1_000 }),
};

/** Reasons that have no close code: the page itself gave the connection up, or found out why it cannot get one. */
export const REASONS = {
  refused: ['This browser would not make the connection.', 'Reload the page. If it happens again, report it with the connection journal.'],
  connect_timeout: ['The server did not answer within 10 seconds.', WAIT],
  hello_timeout: ['The server accepted the connection but said nothing.', WAIT],
  silent: ['Nothing came any more, so the connection was given up.', WAIT],
  bad_frames: ['Several messages in a row could not be read.', WAIT],
  stuck: ['The data stood still although the server had more.', WAIT],
  unanswered: ['The server did not answer a request for data.', WAIT],
  server_down: ['The server cannot be reached.', 'Check the network. The page reconnects by itself.'],
  blocked: ['The server answers, but live connections (WebSocket) are blocked on the way.', 'Ask who runs the network or the proxy to let WebSocket through.'],
  signed_out: ['You are not signed in.', SIGN_IN],
  offline: ['This device is offline.', 'Check the network. The page reconnects by itself.'],
};

const UNKNOWN_RETRY = retry('dropped', 'The connection was closed.');
// A code from 4500 up that this page has never heard of says "stop"; most likely the server is newer than the page.
const UNKNOWN_STOP = stop('mismatch', 'The server ended the connection for a reason this page does not know.', 'Reload the page.');

/** @param {number | null} code @returns {CloseCode} */
export function closeCode(code) {
  if (code !== null && Object.hasOwn(CLOSE_CODES, code)) return CLOSE_CODES[code];
  return code !== null && code >= 4500 && code < 5000 ? UNKNOWN_STOP : UNKNOWN_RETRY;
}

/**
 * @param {number | null} code @param {string | null} why a word of REASONS that says more than the code @param {string} [said] the server's own words
 * @returns {{code: number | null, reason: string, text: string, action: string, said: string}} part of a state
 */
export function explain(code, why, said = '') {
  const { reason, text, action } = closeCode(code);
  if (!why || !REASONS[why]) return { code, reason, text, action, said };
  return { code, reason: why, text: REASONS[why][0], action: REASONS[why][1], said };
}
