// Holds a server that keeps the contract: sources with tick logs, and one cursor per source and socket.
//
// To play a fault, most common first:
//   server.publish(src, n)                 n ticks appear; `server.flush()` brings them to whoever is due
//   server.lose(src, n)                    the next n ticks are skipped on the wire without a word: a hole
//   server.trim(src, keep)                 the log forgets all but the newest `keep` ticks
//   server.newEpoch(src)                   the log is gone, seq starts at 1 again
//   server.answers = false                 sockets open but nothing is ever said
//   server.mute(type)                      one kind of message is swallowed

export class FakeServer {
  answers = true;
  build = 'a1b2c3';
  hb = 10;
  #clock;
  #sources = new Map();
  #links = new Map();
  #muted = new Set();
  #tokens = 0;
  #inbox = [];
  #busy = false;

  /** @param clock its time is the server's monotonic time; server time runs `ahead` ms ahead of it */
  constructor(clock, ahead = 1_795_361_830_000) {
    this.#clock = clock;
    this.ahead = ahead;
  }

  now = () => this.#clock.now() + this.ahead;

  source(src, { series = [src * 10 + 1, src * 10 + 2], cadence = 1, epoch = `E${src}` } = {}) {
    this.#sources.set(src, { src, series, cadence, epoch, epochs: 1, seq: 0, log: [], state: 'live', made: [] });
    return this;
  }

  /** Every tick ever published by the source, [series, time, value] in order of seq. */
  made(src) {
    return this.#sources.get(src).made;
  }

  head(src) {
    const { epoch, seq } = this.#sources.get(src);
    return [epoch, seq];
  }

  publish(src, count = 1) {
    const source = this.#sources.get(src);
    for (let n = 0; n < count; n += 1) {
      source.seq += 1;
      const tick = { seq: source.seq, i: source.series[source.seq % source.series.length], t: this.now(), v: source.seq };
      source.log.push(tick);
      source.made.push([tick.i, tick.t, tick.v]);
    }
  }

  trim(src, keep) {
    const source = this.#sources.get(src);
    source.log = keep ? source.log.slice(-keep) : [];
  }

  newEpoch(src) {
    const source = this.#sources.get(src);
    source.epochs += 1;
    Object.assign(source, { epoch: `E${src}.${source.epochs}`, seq: 0, log: [] });
  }

  mute(type, on = true) {
    if (on) this.#muted.add(type);
    else this.#muted.delete(type);
  }

  /** Attach it to a socket that has been accepted. */
  link(socket) {
    const link = { socket, subs: new Map(), cursors: new Map(), paused: false, visible: true };
    this.#links.set(socket, link);
    socket.onSent = (message) => {
      this.#inbox.push([link, message]);
      if (!this.#busy) this.#drain();
    };
  }

  /** What clients say while `act` runs is heard when it is over. */
  meanwhile(act) {
    this.#busy = true;
    act();
    this.#drain();
  }

  // A client answers while it is being spoken to; a real server hears that only after it has finished its sentence.
  #drain() {
    this.#busy = true;
    while (this.#inbox.length) this.#hear(...this.#inbox.shift());
    this.#busy = false;
  }

  lose(src, count) {
    for (const link of this.#links.values()) {
      const cursor = link.cursors.get(src);
      if (cursor) cursor.seq += count;
    }
  }

  /** Advances every viewer to the head. */
  flush() {
    this.#busy = true;
    for (const link of this.#links.values()) {
      if (link.paused || !link.visible) continue;
      const blocks = [...link.cursors.keys()].map((src) => this.#advance(link, src)).filter(Boolean);
      if (blocks.length > 0) this.#say(link, { t: 'd', k: this.#token(), d: blocks });
    }
    this.#drain();
  }

  heartbeat() {
    this.flush();
    this.#busy = true;
    for (const link of this.#links.values()) {
      const pos = {};
      for (const src of link.cursors.keys()) pos[src] = this.head(src);
      this.#say(link, { t: 'hb', now: this.now(), pos, k: this.#token() });
    }
    this.#drain();
  }

  #token() {
    this.#tokens += 1;
    return `k${this.#tokens}`;
  }

  #say(link, message) {
    if (!this.answers || this.#muted.has(message.t) || link.socket.readyState !== 1) return;
    link.socket.deliver(message);
  }

  #hear(link, message) {
    const { id } = message;
    if (message.t === 'hello') {
      this.#say(link, { t: 'hello', v: 1, sid: 'c-1', build: this.build, now: this.now(), hb: this.hb, spread: 5, lim: { frame: 16384, rate: 20, subs: 64, bytes: 262144, frames: 64 } });
    } else if (message.t === 'sub' && message.dashboard) this.#subscribe(link, message);
    else if (message.t === 'unsub') {
      link.subs.delete(message.sub);
      for (const src of link.cursors.keys()) if (![...link.subs.values()].some((list) => list.includes(src))) link.cursors.delete(src);
      this.#say(link, { t: 'ok', id });
    } else if (message.t === 'pause') {
      link.paused = message.on;
      this.#say(link, { t: 'ok', id });
    } else if (message.t === 'set') {
      link.visible = message.visible ?? link.visible;
      this.#say(link, { t: 'ok', id });
    } else if (message.t === 'ping') this.#say(link, { t: 'pong', id, now: this.now() });
  }

  /** A dashboard is named after its sources: "1,2". */
  #subscribe(link, { id, dashboard, since }) {
    const list = dashboard.split(',').map(Number).map((src) => this.#sources.get(src));
    const before = [];
    const after = [];
    const answers = list.map((source) => {
      const { src } = source;
      const at = since[src];
      const oldest = source.log[0]?.seq ?? source.seq + 1;
      let why = null;
      if (!at) why = 'first';
      else if (at[0] !== source.epoch) why = 'epoch';
      else if (at[1] > source.seq) why = 'ahead';
      else if (at[1] + 1 < oldest) why = 'trimmed';
      if (why === 'first' && link.cursors.has(src)) before.push(this.#advance(link, src));
      if (why === 'epoch' || why === 'ahead') after.push({ t: 'gap', src, a: at[1] + 1, b: at[1], why, from: this.now() - 1000, to: this.now() });
      if (why === 'trimmed') after.push({ t: 'gap', src, a: at[1] + 1, b: oldest - 1, why, from: this.now() - 1000, to: this.now() });
      if (why === 'trimmed') link.cursors.set(src, { seq: oldest - 1 });
      else if (why === null) link.cursors.set(src, { seq: at[1] });
      else {
        after.push({ t: 'snap', src, epoch: source.epoch, seq: source.seq, part: 1, parts: 1, rows: columns(source.log), k: this.#token() });
        link.cursors.set(src, { seq: source.seq });
      }
      return { src, name: `Source ${src}`, epoch: source.epoch, seq: source.seq, recovered: why === null, why, cadence: source.cadence, state: source.state };
    });
    link.subs.set(id, list.map(({ src }) => src));
    const blocks = before.filter(Boolean);
    if (blocks.length) this.#say(link, { t: 'd', k: this.#token(), d: blocks });
    const series = list.flatMap((source) => source.series.map((sid) => [sid, source.src, `S${sid}`, `Series ${sid}`, '', 2]));
    this.#say(link, { t: 'subd', id, series, sources: answers });
    for (const message of after) this.#say(link, message);
    if (!link.paused && link.visible) {
      const caught = list.map(({ src }) => this.#advance(link, src)).filter(Boolean);
      if (caught.length) this.#say(link, { t: 'd', k: this.#token(), d: caught });
    }
  }

  #advance(link, src) {
    const source = this.#sources.get(src);
    const cursor = link.cursors.get(src);
    if (cursor.seq >= source.seq) return null;
    const ticks = source.log.filter(({ seq }) => seq > cursor.seq);
    const block = { src, a: cursor.seq + 1, b: source.seq, n: ticks.length, rows: columns(ticks) };
    cursor.seq = source.seq;
    return block;
  }
}

function columns(ticks) {
  const t0 = ticks[0]?.t ?? 0;
  return { i: ticks.map((x) => x.i), t0, t: ticks.map((x) => x.t - t0), v: ticks.map((x) => x.v), q: ticks.map(() => 1) };
}
