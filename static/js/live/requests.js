// Turns wishes into frames on every new socket, and sees to it that they are answered.

import { encode } from './protocol.js';
import { ANSWER_MS, PACE_MS } from './subscriptions.js';

export const PING_EVERY_MS = 30_000;

export class Requests {
  #seams;
  #timers;
  #nextId;
  #feed;
  #pinged = null;

  /** @param {import('./types.js').Seams} seams @param {import('./timers.js').Timers} timers @param {() => number} nextId @param {import('./feed.js').Feed} feed */
  constructor(seams, timers, nextId, feed) {
    this.#seams = seams;
    this.#timers = timers;
    this.#nextId = nextId;
    this.#feed = feed;
  }

  /** The socket is open: everything is said at once, without waiting for the server's hello. That saves a round trip on every reconnect. */
  opened(build, ticket) {
    this.#feed.connection.send(encode.hello(build, ticket));
    this.#feed.controls.restate();
    this.pump();
  }

  down() {
    this.#timers.clear();
    this.#pinged = null;
  }

  /** Sends the subscriptions that this socket has not been told yet. @param {number} [after] ms from now */
  pump(after = 0) {
    if (after > 0) return this.#timers.set('pump', after, () => this.pump());
    const { subs, ledger, connection } = this.#feed;
    for (const sub of subs.unsent()) {
      if (!connection.send(subs.ask(sub, (src) => ledger.resumable(src)))) {
        sub.status = 'unsent';
        return;
      }
    }
    if (subs.unsent().length > 0) this.pump(PACE_MS);
    if (subs.open > 0) this.#timers.set('answer', ANSWER_MS, () => this.#checkAnswers());
  }

  /** @param {number} id of a subscription */
  unsub(id) {
    this.#feed.connection.send(encode.unsub(this.#nextId(), id));
  }

  /** Measures the round trip; it never proves life, only what comes back does. */
  ping() {
    this.#timers.set('ping', PING_EVERY_MS, () => this.ping());
    if (this.#seams.visibility() === 'hidden') return;
    this.#pinged = { id: this.#nextId(), at: this.#seams.now() };
    this.#feed.connection.send(encode.ping(this.#pinged.id));
  }

  /** @param {{id: number, now: number}} msg */
  pong({ id, now }) {
    if (this.#pinged?.id !== id) return;
    this.#feed.clock.sample(now, this.#seams.now() - this.#pinged.at);
    this.#pinged = null;
    this.#feed.connection.refresh();
  }

  #checkAnswers() {
    const { subs, connection } = this.#feed;
    if (subs.overdue) return connection.restart('unanswered');
    if (subs.open > 0) this.#timers.set('answer', PACE_MS, () => this.#checkAnswers());
  }
}
