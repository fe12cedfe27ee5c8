// Gives the whole screen to a panel or to the page, and takes it back.

/** @param {Element | null} wanted null: the panel in focus, else the one under the pointer, else the page */
export async function toggleFullscreen(wanted) {
  const shown = document.fullscreenElement;
  const element = wanted ?? shown ?? document.activeElement?.closest('[data-panel]') ?? document.querySelector('[data-panel]:hover') ?? document.documentElement;
  try {
    if (shown) await document.exitFullscreen();
    if (shown !== element) await element.requestFullscreen();
  } catch {
    // A browser may refuse; then the page stays as it is, and nothing is lost.
  }
}
