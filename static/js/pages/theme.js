// Lets a person choose the theme and the colours of rise and fall, and tells whoever paints with them.

import { keep } from './choices.js';

const THEMES = ['auto', 'dark', 'light'];
const capital = (word) => word[0].toUpperCase() + word.slice(1);

/**
 * @param {import('./facts.js').Facts} facts @param {() => void} changed called after the colours of the page are other ones
 * @returns {{cycle: () => string}} the next theme, for the key; it returns its name
 */
export function startTheme(facts, changed) {
  const root = document.documentElement;
  const choose = (name, value) => {
    root.dataset[name] = value;
    keep(name, value);
    for (const radio of document.querySelectorAll(`input[name=${name}]`)) radio.checked = radio.value === value;
    if (name === 'theme') facts.set('theme', capital(value));
    changed();
  };
  document.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement && (target.name === 'theme' || target.name === 'palette')) choose(target.name, target.value);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  return {
    cycle() {
      const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
      choose('theme', next);
      return capital(next);
    },
  };
}
