// Turns each frame from the server into changes of clock, ledger, store and sources, and then into an acknowledgement.

import { parse } from './protocol.js';
import { GIVE_UP_AFTER, ASK_AFTER } from './heads.js';

/** So many unreadable frames in a row are no accident. */
export const STRIKES = 3;

/** One source of a `d`. @typedef {{src: number, a: number, b: number, n: number, rows: import('./rows.js').Rows}} Block */

export class Intake {
  #feed;
  #strikes = 0;

  /** @param {import('./feed.js').Feed} feed */
  constructor(feed) {
    this.#feed = feed;
  }

  /** Never throws: a frame that cannot be read must not end the feed. @param {unknown} data */
  take(data) {
    const feed = this.#feed;
    const bytes = typeof data === 'string' ? data.length : 0;
    feed.stats.frame(bytes);
    feed.heard();
    const { msg, error } = parse(data);
    if (error) return this.#reject(error);
    if (!msg) {
      feed.stats.totals.unknownFrames += 1; // the server is newer than this page; what it says is not meant for it
      return feed.connection.heard('');
    }
    try {
      HANDLERS[msg.t](feed, msg, bytes);
    } catch (thrown) {
      return this.#reject(`${msg.t}: ${thrown}`);
    }
    this.#strikes = 0;
    feed.connection.heard(msg.t);
    feed.progress();
  }

  restart() {
    this.#strikes = 0;
  }

  #reject(why) {
    const { stats, journal, connection } = this.#feed;
    stats.totals.badFrames += 1;
    journal.note('bad_frame', { why });
    this.#strikes += 1;
    if (this.#strikes < STRIKES) return;
    this.#strikes = 0;
    connection.restart('bad_frames');
  }
}

/** @type {Record<string, (feed: import('./feed.js').Feed, msg: any, bytes: number) => void>} */
const HANDLERS = {
  hello(feed, msg) {
    feed.clock.restart();
    feed.clock.sample(msg.now);
    feed.connection.greeted(msg);
    feed.requests.ping();
  },

  subd(feed, msg) {
    const sub = feed.subs.byId(msg.id);
    if (!sub) return; // unsubscribed while the answer was on its way
    const before = [...sub.sources];
    feed.subs.answer(msg);
    const now = feed.clock.now();
    feed.store.define(msg.series);
    feed.sources.define(msg.sources, now);
    for (const source of msg.sources) {
      feed.heads.set(source.src, source.epoch, source.seq);
      feed.ledger.answer(source, feed.catchup.expect(source, now));
    }
    feed.leave(before.filter((src) => feed.subs.covering(src).length === 0));
    if (msg.standing) feed.standings?.define(msg.standing);
    feed.settle(sub);
    feed.emit('meta', { wish: sub.wish, series: msg.series, sources: msg.sources });
  },

  snap(feed, msg, bytes) {
    const parts = feed.snapshots.add(msg);
    if (parts) {
      feed.snapshot(msg, parts);
      feed.changed();
    }
    // A part that is kept is taken in, even if it cannot be shown yet: a snapshot larger than the credit could never be completed otherwise.
    feed.credit.applied(msg.k, bytes);
  },

  d(feed, msg, bytes) {
    feed.stats.picture();
    for (const block of msg.d) feed.range(block);
    feed.credit.applied(msg.k, bytes);
    feed.changed();
  },

  gap(feed, msg) {
    feed.gap(msg);
    feed.changed();
  },

  st(feed, msg) {
    feed.standings?.report(msg);
    const source = feed.sources.report(msg);
    if (source) feed.emit('st', source);
  },

  stat(feed, msg) {
    feed.clock.sample(msg.now);
    feed.standings?.stand(msg);
    feed.emit('stat', feed.standings);
  },

  hb(feed, msg, bytes) {
    feed.clock.sample(msg.now);
    for (const src of Object.keys(msg.pos)) feed.heads.set(Number(src), msg.pos[src][0], msg.pos[src][1]);
    feed.credit.applied(msg.k, bytes);
    feed.credit.flush();
    for (const src of Object.keys(msg.pos)) standing(feed, Number(src));
    feed.emit('ledger', feed.ledger);
  },

  ev(feed, msg) {
    feed.emit('ev', msg);
  },

  ok() {},

  err(feed, msg) {
    feed.journal.note('err', { id: msg.id, code: msg.code, msg: msg.msg });
    const sub = msg.id === null || msg.id === undefined ? undefined : feed.subs.byId(msg.id);
    if (sub) feed.refused(sub, msg.code);
    feed.emit('err', { id: msg.id ?? null, code: msg.code, msg: msg.msg ?? '', wish: sub?.wish ?? null });
  },

  pong(feed, msg) {
    feed.requests.pong(msg);
  },

  bye(feed, msg) {
    feed.connection.bye(msg);
  },
};

// While nothing is sent on purpose, standing behind the head is no sign of anything.
function standing(feed, src) {
  if (feed.controls.held || feed.subs.covering(src).length === 0) return;
  const still = feed.heads.standing(src, feed.ledger.position(src));
  if (still === ASK_AFTER) feed.resync(src, 'stood still behind the head');
  else if (still >= GIVE_UP_AFTER) feed.connection.restart('stuck');
}

