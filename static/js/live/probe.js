// Turns "the socket will not open" into a cause that a person can act on, by asking the same server over plain HTTP.

export const PROBE_MS = 3_000;

/**
 * A browser hides why a WebSocket could not be opened: 401, 403, 502 and a blocked port all look alike. An ordinary request tells.
 * @param {{fetch: typeof fetch, setTimeout: Function, clearTimeout: Function}} seams
 * @param {string} url
 * @param {boolean} anonymous  the page is meant for visitors without an account, to whom 401 is the ordinary answer
 * @returns {Promise<'signed_out' | 'server_down' | 'blocked'>} never rejects
 */
export async function probe(seams, url, anonymous) {
  let timer;
  const tooLate = new Promise((resolve) => {
    timer = seams.setTimeout(() => resolve(null), PROBE_MS);
  });
  try {
    const asked = seams.fetch(url, { cache: 'no-store', credentials: 'same-origin', headers: { Accept: 'application/json' } });
    const response = await Promise.race([asked, tooLate]);
    if (response === null || response.status >= 500) return 'server_down';
    return response.status === 401 && !anonymous ? 'signed_out' : 'blocked';
  } catch {
    return 'server_down';
  } finally {
    seams.clearTimeout(timer);
  }
}
