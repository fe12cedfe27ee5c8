// Brings the panels of a page to life, draws them when it is time, and lets them go.

import { load } from '../panels/registry.js';
import { Scheduler } from '../panels/scheduler.js';
import { sayTrouble } from '../panels/trouble.js';

export class Board {
  #ctx;
  #note;
  /** @type {Map<HTMLElement, import('../panels/panel.js').Panel>} */
  #panels = new Map();
  /** @type {Map<HTMLElement, import('../panels/types.js').Config>} */
  #unfetched = new Map();
  #scheduler;
  #eyes;
  #sizes;

  /** @param {import('../panels/types.js').Context} ctx @param {(what: string, detail: object) => void} note told of a panel that fails */
  constructor(ctx, note) {
    this.#ctx = ctx;
    this.#note = note;
    const seams = {
      requestFrame: (fn) => requestAnimationFrame(fn), cancelFrame: (frame) => cancelAnimationFrame(frame), now: () => performance.now(),
      setTimeout: (fn, ms) => setTimeout(fn, ms), clearTimeout: (timer) => clearTimeout(timer),
    };
    this.#scheduler = new Scheduler(seams, (panel, error) => this.#failed(panel.el, error));
    this.#eyes = new IntersectionObserver((seen) => this.#look(seen), { rootMargin: '400px' });
    this.#sizes = new ResizeObserver((changed) => this.#resize(changed));
  }

  /** @param {HTMLElement} el @param {import('../panels/types.js').Config} config */
  async add(el, config) {
    let Kind;
    try {
      Kind = await load(config.kind);
    } catch (error) {
      this.#note('panel_not_fetched', { panel: el.id, error: String(error) });
      this.#unfetched.set(el, config);
      return;
    }
    if (Kind && el.isConnected) this.#mount(Kind, el, config);
  }

  /** The server is there again: what could not be fetched from it may be now. */
  retry() {
    const waiting = [...this.#unfetched];
    this.#unfetched.clear();
    for (const [el, config] of waiting) this.add(el, config);
  }

  #mount(Kind, el, config) {
    try {
      const panel = new Kind(el, config, this.#ctx);
      this.#panels.set(el, panel);
      this.#scheduler.add(panel, false);
      this.#eyes.observe(el);
      this.#sizes.observe(el);
    } catch (error) {
      this.#failed(el, error);
    }
  }

  /** @param {HTMLElement} el */
  remove(el) {
    const panel = this.#panels.get(el);
    this.#unfetched.delete(el);
    this.#eyes.unobserve(el);
    this.#sizes.unobserve(el);
    if (!panel) return;
    this.#panels.delete(el);
    this.#scheduler.remove(panel);
    this.#each([panel], () => panel.destroy());
  }

  /** @param {Set<number>} dirty ids of series that have changed */
  changed(dirty) {
    this.#each(this.#panels.values(), (panel) => panel.update(dirty) && this.#scheduler.mark(panel));
  }

  /** Time has passed. */
  tick() {
    this.#each(this.#panels.values(), (panel) => panel.tick());
    this.#scheduler.markAll();
  }

  /** The colours of the page have changed. */
  restyle() {
    this.#each(this.#panels.values(), (panel) => panel.restyle());
    this.#scheduler.markAll();
  }

  setHidden(hidden) {
    this.#scheduler.setHidden(hidden);
  }

  #look(seen) {
    for (const { target, isIntersecting } of seen) {
      const panel = this.#panels.get(target);
      if (panel) this.#scheduler.setVisible(panel, isIntersecting);
    }
  }

  #resize(changed) {
    for (const { target } of changed) {
      const panel = this.#panels.get(target);
      if (!panel) continue;
      this.#each([panel], () => panel.resize());
      this.#scheduler.mark(panel);
    }
  }

  // One panel that fails must not take the others with it.
  #each(panels, act) {
    for (const panel of [...panels]) {
      try {
        act(panel);
      } catch (error) {
        this.#failed(panel.el, error);
      }
    }
  }

  #failed(el, error) {
    const panel = this.#panels.get(el);
    this.#panels.delete(el);
    if (panel) this.#scheduler.remove(panel);
    this.#note('panel_failed', { panel: el.id, error: String(error) });
    console.error(error);
    sayTrouble(el, error);
  }
}
