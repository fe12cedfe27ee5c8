// Makes the badge that says how old something is: a shape, a word and an age.

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} name live, late, stale, unknown, broken, paused or stopped @returns {SVGSVGElement} */
export function shape(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'shape');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#shape-${name}`);
  svg.append(use);
  return svg;
}

/** Changes the shape that stands there. @param {Element | null} svg @param {string} name */
export function reshape(svg, name) {
  const use = svg?.matches('use') ? svg : svg?.querySelector('use');
  if (use && use.getAttribute('href') !== `#shape-${name}`) use.setAttribute('href', `#shape-${name}`);
}

/** @type {WeakMap<Element, string>} what each host says now */
const said = new WeakMap();

/**
 * Puts a badge into a host, or takes it away; nothing is touched while it says the same.
 * @param {HTMLElement} host @param {{shape: string, text: string, spoken?: string} | null} badge  spoken: a word only for those who listen
 * @param {boolean} quiet without a frame
 */
export function setBadge(host, badge, quiet) {
  const words = badge ? `${badge.shape} ${badge.spoken ?? ''} ${badge.text} ${quiet}` : '';
  const before = said.get(host);
  // The first time it is not known what the server wrote there: that goes, also when there is nothing to say.
  if (before === words) return;
  said.set(host, words);
  if (!badge) return host.replaceChildren();
  const [old] = host.children;
  // Only the age moves on: exchanging the whole badge would take it away from whoever is reading it.
  if (before && old?.classList.contains('quiet') === quiet && old.dataset.spoken === (badge.spoken ?? '')) {
    reshape(old.querySelector('.shape'), badge.shape);
    old.lastElementChild.lastChild.nodeValue = badge.text;
    return;
  }
  host.replaceChildren(make(badge, quiet));
}

function make(badge, quiet) {
  const made = document.createElement('span');
  made.className = quiet ? 'badge quiet' : 'badge';
  made.dataset.spoken = badge.spoken ?? '';
  const text = document.createElement('span');
  if (badge.spoken) {
    const spoken = document.createElement('span');
    spoken.className = 'sr';
    spoken.textContent = `${badge.spoken} `;
    text.append(spoken);
  }
  text.append(document.createTextNode(badge.text));
  made.append(shape(badge.shape), text);
  return made;
}
