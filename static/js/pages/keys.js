// Turns key presses into shortcuts, except where they mean something else.

import { recall, remember } from './choices.js';

const TYPING = 'input:not([type=radio], [type=checkbox], [type=button]), textarea, select, [contenteditable]:not([contenteditable=false])';
const PRESSABLE = 'button, a[href], summary, input, label, [role=button]';

/**
 * @param {{key: string, altKey: boolean, ctrlKey: boolean, metaKey: boolean, isComposing?: boolean, repeat?: boolean, defaultPrevented?: boolean}} press
 * @param {{matches(selector: string): boolean, closest(selector: string): unknown, scrollHeight?: number, clientHeight?: number} | null} target
 * @returns {string | null} the key as a shortcut, null when it is none
 */
export function shortcutOf(press, target) {
  if (press.altKey || press.ctrlKey || press.metaKey || press.isComposing || press.repeat || press.defaultPrevented) return null;
  if (target?.closest?.(TYPING) || target?.closest?.('dialog, [popover]:popover-open')) return null;
  if (press.key !== ' ') return press.key.length === 1 ? press.key.toLowerCase() : null;
  // Space presses what is in focus, and scrolls what can be scrolled.
  if (target?.closest?.(PRESSABLE)) return null;
  if (target?.closest?.('.scrolls') && target.scrollHeight > target.clientHeight) return null;
  return ' ';
}

/** @param {Record<string, () => void>} shortcuts by key; a space is Space */
export function startKeys(shortcuts) {
  const box = document.getElementById('single-keys');
  if (box) {
    box.checked = recall('single-keys', 'on') === 'on';
    box.addEventListener('change', () => remember('single-keys', box.checked ? 'on' : 'off'));
  }
  document.addEventListener('keydown', (event) => {
    if (box && !box.checked) return;
    const key = shortcutOf(event, event.target instanceof Element ? event.target : null);
    if (key === null || !Object.hasOwn(shortcuts, key)) return;
    event.preventDefault();
    shortcuts[key]();
  });
}
