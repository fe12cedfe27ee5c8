// Says in the place of a panel that it cannot be shown; what the server wrote there stays.

/**
 * @param {HTMLElement} el @param {unknown} error
 */
export function sayTrouble(el, error) {
  if (el.querySelector('.trouble')) return;
  const line = document.createElement('p');
  line.className = 'trouble';
  line.setAttribute('role', 'note');
  line.textContent = 'This panel cannot be drawn. The others go on; its figures are no longer updated.';
  line.title = String(error);
  el.classList.add('is-stale');
  (el.querySelector('.panel__head') ?? el).after(line);
}
