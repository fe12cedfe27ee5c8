// Turns the browser's WebSocket into one line that is either up, with proof, or reported down exactly once.

import { SUBPROTOCOL } from './protocol.js';
import { Silence } from './silence.js';

export const CONNECT_MS = 10_000;
export const HELLO_MS = 5_000;
/** A hidden tab may run timers only once a minute; anything shorter would cut healthy connections. */
export const HIDDEN_SILENCE_MS = 75_000;
export const SILENT_HEARTBEATS = 2.5;

/**
 * @typedef {object} Down
 * @property {number | null} code  close code from the other side; null when this page gave up
 * @property {string | null} why   refused, connect_timeout, hello_timeout, silent; null when the other side closed
 * @property {boolean} opened      whether the connection had been open; a browser hides why it was not
 */

/**
 * How a WebSocket works, in the order things happen:
 *   1. `new WebSocket(url, protocols)` starts an HTTP request that asks to be upgraded. Nothing is connected yet.
 *   2. `onopen`: the server has agreed. Only now may `send` be called.
 *   3. `onmessage`: one call for each message, in the order they were sent, never half a message.
 *   4. `onerror`: something went wrong. The event does not say what, for reasons of security; `onclose` always follows.
 *   5. `onclose`: it is over, with a code. A WebSocket never reconnects; whoever wants to go on makes a new one.
 * What the browser does not do is notice that the other end has vanished: without a proper goodbye the socket stays "open" for minutes
 * or hours. Therefore the server promises to say something at least every heartbeat, and silence is taken for death.
 */
export class Socket {
  #seams;
  #on;
  /** @type {WebSocket | null} */
  #ws = null;
  /** Every socket gets a number, and an event of any other than the newest is ignored: old sockets go on firing for a while. */
  #generation = 0;
  #opened = false;
  #deadline = null;
  #heartbeatMs = 10_000;
  #watchdog;

  /**
   * @param {{WebSocket: any, now: () => number, setTimeout: Function, clearTimeout: Function, visibility: () => string}} seams
   * @param {{open: () => void, message: (data: unknown) => void, down: (down: Down) => void}} on
   */
  constructor(seams, on) {
    this.#seams = seams;
    this.#on = on;
    this.#watchdog = new Silence(seams, () => this.#patience(), () => this.#giveUp('silent'));
  }

  /** Starts a new connection; an older one is let go without a further word from it. @param {string} url */
  open(url) {
    this.close();
    const generation = this.#generation;
    const current = () => generation === this.#generation;
    this.#opened = false;
    this.#expect(CONNECT_MS, 'connect_timeout');

    let ws;
    try {
      ws = new this.#seams.WebSocket(url, [SUBPROTOCOL]);
    } catch {
      // A wrong address or a security rule of the page: to the person it is a connection that could not be made.
      return this.#down({ code: null, why: 'refused' });
    }
    this.#ws = ws;
    ws.binaryType = 'arraybuffer'; // the default, Blob, could only be read later, out of order with the text frames

    ws.onopen = () => {
      if (!current()) return;
      this.#opened = true;
      this.#expect(HELLO_MS, 'hello_timeout');
      this.#on.open();
    };

    ws.onmessage = (event) => {
      if (!current()) return;
      this.#watchdog.heard(); // any message proves that the server lives; our own sends prove nothing
      this.#on.message(event.data);
    };

    // The event carries no cause, and `onclose` comes next: there is nothing to do here that would not be done twice.
    ws.onerror = () => {};

    ws.onclose = (event) => {
      if (!current()) return;
      // The code counts, the reason and `wasClean` do not: some servers cannot send them. 1000 from the other side is no farewell
      // of ours; proxies send it when they restart.
      this.#down({ code: event.code, why: null });
    };
  }

  get isOpen() {
    return this.#ws !== null && this.#ws.readyState === 1; // WebSocket.OPEN
  }

  /** The subprotocol the server chose; a server that chose none does not speak our language. */
  get protocol() {
    return this.#ws?.protocol ?? '';
  }

  /**
   * `send` on a socket that is not open throws or, worse, loses the message silently. There is no queue to fall back on: what the
   * page wants is kept as state and said again on the next connection.
   * @param {string} text @returns {boolean} whether it was handed to the browser
   */
  send(text) {
    if (!this.isOpen) return false;
    this.#ws.send(text);
    return true;
  }

  /** Lets the connection go: no event of it will be heard again, so there is nothing to wait for. Harmless when there is none. */
  close(code = 1000, reason = '') {
    this.#generation += 1;
    this.#clearDeadline();
    this.#watchdog.stop();
    const ws = this.#ws;
    this.#ws = null;
    if (ws && ws.readyState < 2) ws.close(code, reason); // CONNECTING or OPEN
  }

  /** The server has said hello: from here on silence is measured. @param {number} heartbeat seconds */
  greeted(heartbeat) {
    this.#clearDeadline();
    this.#heartbeatMs = heartbeat * 1000;
    this.#watchdog.start();
  }

  /** @returns {number} ms since the last message */
  quietFor() {
    return this.#watchdog.quietFor();
  }

  /** The tab has become visible or hidden: patience is different now. */
  visibilityChanged() {
    if (this.#ws !== null && this.#deadline === null) this.#watchdog.look();
  }

  #patience() {
    const ms = SILENT_HEARTBEATS * this.#heartbeatMs;
    return this.#seams.visibility() === 'hidden' ? Math.max(ms, HIDDEN_SILENCE_MS) : ms;
  }

  #expect(ms, why) {
    this.#clearDeadline();
    this.#deadline = new Silence(this.#seams, () => ms, () => this.#giveUp(why));
    this.#deadline.start();
  }

  #clearDeadline() {
    this.#deadline?.stop();
    this.#deadline = null;
  }

  #giveUp(why) {
    this.#down({ code: null, why });
  }

  #down({ code, why }) {
    const opened = this.#opened;
    this.close();
    this.#on.down({ code, why, opened });
  }
}
