// Gives the whole screen to a panel or to the page, and takes it back.

/** @param {Element} element */
export async function toggleFullscreen(element) {
  const shown = document.fullscreenElement;
  try {
    if (shown) await document.exitFullscreen();
    if (shown !== element) await element.requestFullscreen();
  } catch {
    // A browser may refuse; then the page stays as it is, and nothing is lost.
  }
}

/** The panel in focus, else the one under the pointer, else the page. @returns {Element} */
export function fullscreenTarget() {
  const panel = document.activeElement?.closest('[data-panel]') ?? document.querySelector('[data-panel]:hover');
  return document.fullscreenElement ?? panel ?? document.documentElement;
}
