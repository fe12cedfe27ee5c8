// Turns wishes into the text frames of `tickwall.v1.json`, and text frames from the server into checked messages.

import { NO_ROWS, wrongColumn } from './rows.js';

export { CLOSE_CODES, REASONS, closeCode } from './close_codes.js';

export const SUBPROTOCOL = 'tickwall.v1.json';
export const VERSION = 1;

/** @typedef {[string, number]} Position  epoch and seq */

/** What a client may say. Each call returns one frame as text. */
export const encode = {
  /** @param {string} build the page's build @param {string | null} ticket token of a share link */
  hello: (build, ticket) => JSON.stringify({ t: 'hello', v: VERSION, build, ticket }),
  /**
   * @param {number} id
   * @param {{dashboard?: string, series?: number[], sources?: number[], history?: number, window?: number, points?: number}} what
   *   window in seconds; history: the last event of the sources that is here
   * @param {Record<string, Position>} since
   */
  sub: (id, { dashboard, series, sources, history, window = 0, points }, since) =>
    JSON.stringify(sources ? { t: 'sub', id, sources, history } : { t: 'sub', id, dashboard, series, since, window, points }),
  unsub: (id, sub) => JSON.stringify({ t: 'unsub', id, sub }),
  ack: (k) => JSON.stringify({ t: 'ack', k }),
  /** @param {number} id @param {{rate?: number, visible?: boolean}} wish */
  set: (id, { rate, visible }) => JSON.stringify({ t: 'set', id, rate, visible }),
  pause: (id, on) => JSON.stringify({ t: 'pause', id, on }),
  ping: (id) => JSON.stringify({ t: 'ping', id }),
};

const SOURCE_STATES = new Set(['starting', 'live', 'late', 'down', 'stopped', 'degraded']);

const isObject = (x) => typeof x === 'object' && x !== null && !Array.isArray(x);
const isText = (x) => typeof x === 'string';
const isWord = (x) => typeof x === 'string' && x !== '';
const isInt = (x) => Number.isSafeInteger(x);
const isSeq = (x) => Number.isSafeInteger(x) && x >= 1;
const isHead = (x) => Number.isSafeInteger(x) && x >= 0; // 0: the source has not ticked yet
const isNumber = Number.isFinite;
const isNil = (x) => x === null || x === undefined;
const isPosition = (x) => Array.isArray(x) && x.length === 2 && isText(x[0]) && isHead(x[1]); // epoch '': nobody has written yet
const isSeries = (x) => Array.isArray(x) && x.length >= 6 && isInt(x[0]) && isInt(x[1]) && x.slice(2, 5).every(isText) && (isHead(x[5]) || x[5] === null);
const isRange = (x) => Array.isArray(x) && x.length === 2 && isNumber(x[0]) && isNumber(x[1]) && x[0] >= 0 && x[0] <= x[1];

/** Each check returns the name of the field that is wrong, or null. Fields it does not name may hold anything: the protocol grows by them. */
const CHECKS = {
  hello: (m) =>
    !isInt(m.v) ? 'v' : !isText(m.sid) ? 'sid' : !isText(m.build) ? 'build' : !isNumber(m.now) ? 'now' : !(isNumber(m.hb) && m.hb > 0) ? 'hb'
    : !(isNil(m.spread) || (isNumber(m.spread) && m.spread >= 0)) ? 'spread' : !(isNil(m.lim) || isObject(m.lim)) ? 'lim' : null,
  subd: (m) => {
    if (!isInt(m.id)) return 'id';
    if (!Array.isArray(m.series) || !m.series.every(isSeries)) return 'series';
    if (!Array.isArray(m.sources)) return 'sources';
    if (!isNil(m.standing) && !Array.isArray(m.standing)) return 'standing';
    return firstWrong(m.sources, wrongSource) ?? firstWrong(m.standing ?? [], wrongCharge);
  },
  snap: (m) => {
    if (!isInt(m.src)) return 'src';
    if (!isText(m.epoch)) return 'epoch';
    if (!isHead(m.seq)) return 'seq';
    if (!isSeq(m.parts)) return 'parts';
    if (!isSeq(m.part) || m.part > m.parts) return 'part';
    if (!isWord(m.k)) return 'k';
    return wrongColumn(m.rows);
  },
  d: (m) => (!isWord(m.k) ? 'k' : !Array.isArray(m.d) ? 'd' : firstWrong(m.d, wrongBlock)),
  gap: (m) => {
    if (!isInt(m.src)) return 'src';
    if (!isSeq(m.a)) return 'a';
    if (!isInt(m.b) || m.b < m.a - 1) return 'b'; // b = a - 1: the number is unknown
    if (!isWord(m.why)) return 'why';
    return !(isNil(m.from) || isNumber(m.from)) ? 'from' : !(isNil(m.to) || isNumber(m.to)) ? 'to' : null;
  },
  st: (m) => {
    if (!isInt(m.src)) return 'src';
    if (!SOURCE_STATES.has(m.state)) return 'state';
    for (const name of ['since', 'last', 'hz']) if (!isNil(m[name]) && !isNumber(m[name])) return name;
    return isNil(m.msg) || isText(m.msg) ? null : 'msg';
  },
  stat: (m) => (!isNumber(m.now) ? 'now' : !Array.isArray(m.s) ? 's' : firstWrong(m.s, wrongStanding)),
  hb: (m) => {
    if (!isNumber(m.now)) return 'now';
    if (!isWord(m.k)) return 'k';
    if (!isObject(m.pos)) return 'pos';
    return Object.keys(m.pos).every((src) => /^\d+$/.test(src) && isPosition(m.pos[src])) ? null : 'pos';
  },
  ev: (m) => (!isWord(m.kind) ? 'kind' : !isObject(m.data) ? 'data' : null),
  ok: (m) => (isInt(m.id) ? null : 'id'),
  err: (m) => (!(isNil(m.id) || isInt(m.id)) ? 'id' : !isWord(m.code) ? 'code' : isNil(m.msg) || isText(m.msg) ? null : 'msg'),
  pong: (m) => (!isInt(m.id) ? 'id' : !isNumber(m.now) ? 'now' : null),
  bye: (m) => (!isInt(m.code) ? 'code' : !(isNil(m.retry) || isRange(m.retry)) ? 'retry' : isNil(m.msg) || isText(m.msg) ? null : 'msg'),
};

function firstWrong(list, check) {
  for (const item of list) {
    const wrong = check(item);
    if (wrong) return wrong;
  }
  return null;
}

function wrongSource(s) {
  if (!isObject(s) || !isInt(s.src)) return 'src';
  if (!isText(s.epoch)) return 'epoch';
  if (!isHead(s.seq)) return 'seq';
  if (typeof s.recovered !== 'boolean') return 'recovered';
  if (!(isNumber(s.cadence) && s.cadence > 0)) return 'cadence';
  if (!isNil(s.state) && !SOURCE_STATES.has(s.state)) return 'state';
  return null;
}

function wrongCharge(s) {
  if (!isObject(s) || !isInt(s.src)) return 'src';
  if (!isText(s.name)) return 'name';
  if (!(isNumber(s.cadence) && s.cadence > 0)) return 'cadence';
  return typeof s.enabled === 'boolean' ? null : 'enabled';
}

function wrongStanding(s) {
  if (!isObject(s) || !isInt(s.src)) return 'src';
  if (!isText(s.epoch)) return 'epoch';
  for (const name of ['head', 'lost', 'refused', 'viewers']) if (!isHead(s[name])) return name;
  return isNil(s.worker) || isText(s.worker) ? null : 'worker';
}

function wrongBlock(block) {
  if (!isObject(block) || !isInt(block.src)) return 'src';
  if (!isSeq(block.a)) return 'a';
  if (!isInt(block.b) || block.b < block.a) return 'b';
  if (!isHead(block.n) || block.n > block.b - block.a + 1) return 'n';
  // A range in which the viewer asked for nothing needs no columns.
  if (block.n === 0 && (isNil(block.rows) || isNil(block.rows.i))) block.rows = NO_ROWS;
  return wrongColumn(block.rows);
}

/**
 * @param {unknown} data what the socket delivered
 * @returns {{msg: any, error: null} | {msg: null, error: string | null}}
 *   a checked message; or an error in words; or neither, for a kind of message that this page does not know and must ignore
 */
export function parse(data) {
  if (typeof data !== 'string') return { msg: null, error: 'not text' };
  let msg;
  try {
    msg = JSON.parse(data);
  } catch {
    return { msg: null, error: 'not JSON' };
  }
  if (!isObject(msg)) return { msg: null, error: 'not an object' };
  if (!isWord(msg.t)) return { msg: null, error: 't is missing' };
  if (!Object.hasOwn(CHECKS, msg.t)) return { msg: null, error: null };
  const wrong = CHECKS[msg.t](msg);
  return wrong ? { msg: null, error: `${msg.t}: ${wrong} is wrong` } : { msg, error: null };
}
