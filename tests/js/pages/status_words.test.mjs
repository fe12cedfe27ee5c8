import assert from 'node:assert/strict';
import { test } from 'node:test';

import { statusWords } from '../../../static/js/pages/status_words.js';

const state = (name, more = {}) => ({
  state: name, since: 0, attempt: 1, retryAt: null, rtt: 18, code: null, reason: null, text: '', action: '', said: '', resume: null, notice: null, ...more,
});
const at = { now: 100_000, left: 0, cutAt: 73_000, clock: (ms) => `@${ms / 1000}`, quiet: 4_200 };

test('all is well in one word', () => {
  const words = statusWords(state('live'), at);
  assert.deepEqual([words.page, words.word, words.shape, words.why], ['live', 'Live', 'live', '']);
});

test('a delay says how long nothing has come', () => {
  const words = statusWords(state('delayed'), at);
  assert.deepEqual([words.page, words.word, words.shape], ['delayed', 'Delayed 4.2 s', 'late']);
});

test('a lost connection says when it tries again, since when, and how old the figures are', () => {
  const words = statusWords(state('waiting'), { ...at, left: 3_200 });
  assert.deepEqual([words.page, words.word, words.shape, words.act, words.action], ['down', 'Reconnecting in 4 s', 'broken', 'retry', 'Try now']);
  assert.equal(words.why, 'No contact since @73, 27 s ago. All figures are from then.');
  assert.equal(words.brief, '27 s old');
});

test('no contact at all is not called a loss', () => {
  const words = statusWords(state('waiting'), { ...at, cutAt: null, left: 1_000 });
  assert.equal(words.why, 'There has been no contact yet. The figures came with the page.');
  assert.equal(statusWords(state('connecting'), { ...at, cutAt: null }).page, 'connecting');
});

test('a restart is called a restart, a device without network offline', () => {
  const restart = statusWords(state('waiting', { reason: 'restart', text: 'The server is restarting.' }), { ...at, left: 1_500 });
  assert.equal(restart.word, 'Restarting, back in 2 s');
  assert.match(restart.why, /^The server is restarting\. No contact since/);
  assert.equal(statusWords(state('offline'), { ...at, left: 20_000 }).word, 'Offline');
});

test('too slow has a square and its cause', () => {
  const words = statusWords(state('waiting', { reason: 'slow', text: 'This browser was too slow to take in the data.' }), at);
  assert.equal(words.shape, 'stopped');
  assert.match(words.why, /^This browser was too slow/);
});

test('what ends the connection for good has its own sentence and its own single action', () => {
  const cases = [['signed_out', 'Signed out', 'login', 'Sign in'], ['forbidden', 'No access', 'reload', 'Reload'], ['malformed', 'Stopped', 'reload', 'Reload'], ['mismatch', 'New version', 'reload', 'Reload'],
    ['something new', 'Stopped', 'reload', 'Reload']];
  for (const [reason, word, act, action] of cases) {
    const words = statusWords(state('closed', { reason, text: 'What happened.', action: 'What to do.' }), at);
    assert.deepEqual([words.page, words.shape, words.word, words.act, words.action], ['stopped', 'stopped', word, act, action]);
    assert.equal(words.why, 'What happened. What to do. All figures are from @73.');
  }
});

test('what the server said itself is better than what the page knows by heart', () => {
  assert.match(statusWords(state('closed', { reason: 'forbidden', text: 'General.', said: 'The link was revoked.', action: '' }), at).why, /^The link was revoked\./);
});

test('while it is being taken up again the page stays as it was cut', () => {
  assert.deepEqual(['connecting', 'syncing'].map((name) => statusWords(state(name), at)).map(({ page, word }) => [page, word]), [['down', 'Reconnecting'], ['down', 'Catching up']]);
});
