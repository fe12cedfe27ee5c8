// Lets a person choose how often the page is updated, and says what that costs.

import { recall, remember } from './choices.js';

const RATES = ['0', '20', '10', '5', '2', '1'];

/** @param {number} rate @returns {string} */
export const rateWords = (rate) => (rate === 0 ? 'Every tick' : `${rate} Hz`);

/** @returns {number} the rate this browser was last set to, else the one the page came with */
export function firstRate() {
  const written = document.querySelector('input[name=rate]:checked')?.value ?? '10';
  const kept = recall('rate', written);
  return Number(RATES.includes(kept) ? kept : written);
}

/** @param {import('../live/client.js').Client} client @param {import('./facts.js').Facts} facts */
export function startRate(client, facts) {
  const show = () => {
    const { rate, reduced } = client.controls;
    facts.set('rate', reduced === null ? rateWords(rate ?? 10) : `${reduced} Hz, reduced`);
    for (const radio of document.querySelectorAll('input[name=rate]')) radio.checked = Number(radio.value) === (rate ?? 10);
  };
  document.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.name !== 'rate') return;
    remember('rate', target.value);
    client.setRate(Number(target.value));
    show();
  });
  show();
  return { show };
}
