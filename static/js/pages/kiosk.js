// Keeps a wall display awake, up to date, and alive.

const DEAD_MS = 5 * 60_000;
const SPREAD_MS = 60_000;

/** @param {{live: () => boolean, now: () => number}} page */
export function startKiosk({ live, now }) {
  let aliveAt = now();
  let lock = null;
  const wake = async () => {
    if (document.visibilityState !== 'visible' || (lock && !lock.released)) return;
    try {
      lock = await navigator.wakeLock?.request('screen');
    } catch {
      lock = null; // on battery or without permission the screen may sleep; the page is right when it wakes
    }
  };
  document.addEventListener('visibilitychange', wake);
  wake();
  setInterval(() => {
    if (live()) aliveAt = now();
    // Nobody is there to press a button: after long silence start from the beginning, if there is a server to start from.
    else if (now() - aliveAt > DEAD_MS) reloadIfServed(() => (aliveAt = now()));
  }, 10_000);
}

async function reloadIfServed(failed) {
  try {
    const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store' });
    if (answer.ok) return location.reload();
  } catch {
    // still away
  }
  return failed();
}

/** A wall takes a new version by itself, and not all walls in the same second. */
export const reloadSoon = () => setTimeout(() => location.reload(), Math.random() * SPREAD_MS);

/** Into the kiosk and out again. */
export function toggleKiosk() {
  const address = new URL(location.href);
  if (address.searchParams.get('kiosk') === '1') address.searchParams.delete('kiosk');
  else address.searchParams.set('kiosk', '1');
  location.assign(address);
}
