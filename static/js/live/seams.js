// Holds what the client needs of the outside world, each piece replaceable, so that tests own the clock and the network.

/** @typedef {import('./types.js').Seams} Seams */

/** @param {Partial<Seams>} given @returns {Seams} */
export function completeSeams(given) {
  const world = globalThis;
  return {
    WebSocket: world.WebSocket,
    now: () => world.performance.now(),
    wall: () => Date.now(),
    setTimeout: (fn, ms) => world.setTimeout(fn, ms), // called on another object than the global one these would throw
    clearTimeout: (timer) => world.clearTimeout(timer),
    random: Math.random,
    target: typeof world.addEventListener === 'function' ? world : null,
    visibility: () => 'visible',
    fetch: (...args) => world.fetch(...args),
    ...given,
  };
}
