// Keeps what a person has chosen: in a cookie where the server must know it, so that the next page comes that way, else in the browser.

const YEAR = 31_536_000;

/** @param {string} name @param {string} value one of a few known words */
export function keep(name, value) {
  const secure = location.protocol === 'https:' ? '; secure' : '';
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
}

/** @param {string} name @param {string} fallback @returns {string} a choice that only the script needs */
export function recall(name, fallback) {
  try {
    return localStorage.getItem(`tickwall.${name}`) ?? fallback;
  } catch {
    return fallback; // a browser that keeps nothing
  }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try {
    localStorage.setItem(`tickwall.${name}`, value);
  } catch {
    // then it holds for this page only
  }
}
