// Runs the npm package `ws`: node node_ws.mjs PORT tick|batch. One frame for each tick, or one for all of 50 ms.
import { WebSocketServer } from "ws";

const [port, mode] = [Number(process.argv[2]), process.argv[3]];
const SERIES = 100, TICKS = 50, STEP = 50, BATCH = 50;
const server = new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false, backlog: 1024 });
const prices = Array(SERIES).fill(100);
let sent = 0, waiting = [];

function broadcast(message) {
  for (const viewer of server.clients) viewer.send(message);
}

/** Calls `work` every `period` milliseconds, on a schedule that does not drift. */
function every(period, work) {
  let due = performance.now();
  const next = () => {
    due += period;
    setTimeout(() => { work(); next(); }, Math.max(due - performance.now(), 0));
  };
  next();
}

every(STEP, () => {
  const now = Date.now();
  for (let number = 0; number < TICKS; number++, sent++) {
    const series = sent % SERIES;
    prices[series] = Math.round((prices[series] + (Math.random() - 0.5) / 5) * 100) / 100;
    const tick = { src: 1, series: series + 1, t: now, v: prices[series], q: 1 + Math.floor(Math.random() * 999) };
    if (mode === "tick") broadcast(JSON.stringify(tick));
    else waiting.push(tick);
  }
});

if (mode === "batch") {
  every(BATCH, () => {
    if (waiting.length) broadcast(JSON.stringify(waiting));
    waiting = [];
  });
}
