// Holds a WebSocket without a network: it does what the browser's does, when the test says so.

export function fakeWebSocket() {
  /** Every socket ever made, oldest first. */
  const made = [];

  class FakeWebSocket {
    readyState = 0;
    protocol = '';
    binaryType = 'blob';
    bufferedAmount = 0;
    onopen = null;
    onmessage = null;
    onerror = null;
    onclose = null;
    /** Messages the client sent, parsed. */
    sent = [];
    /** What the client passed to `close`, or null. */
    closedWith = null;

    constructor(url, protocols) {
      this.url = url;
      this.protocols = protocols;
      made.push(this);
      FakeWebSocket.onMade?.(this);
    }

    send(text) {
      if (this.readyState !== 1) throw new Error('InvalidStateError');
      this.sent.push(JSON.parse(text));
      this.onSent?.(this.sent.at(-1));
    }

    close(code, reason) {
      if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) throw new Error('InvalidAccessError');
      this.closedWith = { code, reason };
      this.readyState = 2; // CLOSING: the close event comes later, if at all
    }

    // What follows is the server's side and the network's.

    accept(protocol = this.protocols[0]) {
      this.readyState = 1;
      this.protocol = protocol;
      this.onopen?.({});
    }

    deliver(message) {
      this.onmessage?.({ data: typeof message === 'string' || message instanceof ArrayBuffer ? message : JSON.stringify(message) });
    }

    drop(code = 1006) {
      this.readyState = 3;
      if (code === 1006) this.onerror?.({});
      this.onclose?.({ code, reason: '', wasClean: code !== 1006 });
    }

    of(type) {
      return this.sent.filter((message) => message.t === type);
    }
  }
  FakeWebSocket.made = made;
  FakeWebSocket.onMade = null;
  return FakeWebSocket;
}
