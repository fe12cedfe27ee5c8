// The page's own client, without a browser: says on standard output, a line each, how it stands.
//   node --experimental-websocket page.mjs <port of the socket> <origin of the page> <dashboard>

import { Client } from '../../static/js/live/client.js';

const [port, origin, dashboard] = process.argv.slice(2);

/** Comes from a page, which this process has none of. */
class FromPage extends WebSocket {
  constructor(url, protocols) {
    super(url, { protocols, headers: { origin } });
  }
}

const say = (line) => console.log(JSON.stringify({ at: Date.now(), ...line }));
const client = new Client({ url: `ws://127.0.0.1:${port}/ws/live/`, anonymous: true }, { WebSocket: FromPage, visibility: () => 'visible' });
client.on('state', ({ state }) => say({ state }));
client.subscribe({ dashboard });
client.open();
process.stdin.on('end', () => process.exit()).resume();
setInterval(() => {
  const ledgers = client.sources.map(({ src }) => client.ledger.of(src));
  const sum = (name) => ledgers.reduce((total, account) => total + account[name], 0);
  say({ published: sum('published'), unexplained: sum('unexplained'), duplicates: sum('duplicates'), resyncs: sum('resyncs'), gap: sum('gap') });
}, 250);
