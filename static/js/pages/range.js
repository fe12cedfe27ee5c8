// Lets a person choose how much time the page shows; the address keeps it.

import { stepWords } from '../panels/words.js';

/**
 * @param {import('./facts.js').Facts} facts @param {(seconds: number) => void} chosen
 * @returns {{choose: (place: number) => void}} for the keys: the first, second, third range
 */
export function startRange(facts, chosen) {
  const buttons = [...document.querySelectorAll('[data-range]')];
  const choose = (button) => {
    if (!button || button.getAttribute('aria-pressed') === 'true') return;
    for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
    const seconds = Number(button.dataset.range);
    facts.set('range', stepWords(seconds * 1000));
    const address = new URL(location.href);
    address.searchParams.set('range', button.textContent.trim());
    history.replaceState(history.state, '', address);
    chosen(seconds);
  };
  for (const button of buttons) {
    button.addEventListener('click', () => {
      choose(button);
      const menu = button.closest('[popover]');
      if (menu?.matches(':popover-open')) menu.hidePopover();
    });
  }
  return { choose: (place) => choose(buttons[place]) };
}
