// Turns milliseconds into ages and moments as people say them.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (number) => String(number).padStart(2, '0');

/** @param {number} ms @returns {string} 3.4 s below ten seconds, 12 s, 1 m 12 s, 2 h 05 m, 3 d 04 h; rounded down, an age has been reached */
export function age(ms) {
  const left = Math.max(0, ms);
  if (left < 10 * SECOND) return `${(Math.floor(left / 100) / 10).toFixed(1)} s`;
  if (left < MINUTE) return `${Math.floor(left / SECOND)} s`;
  if (left < HOUR) return `${Math.floor(left / MINUTE)} m ${two(Math.floor((left % MINUTE) / SECOND))} s`;
  if (left < DAY) return `${Math.floor(left / HOUR)} h ${two(Math.floor((left % HOUR) / MINUTE))} m`;
  return `${Math.floor(left / DAY)} d ${two(Math.floor((left % DAY) / HOUR))} h`;
}

/** @param {number} ms @returns {string} whole seconds at least, for lengths that nobody watches: 42 s, 1 m 12 s */
export const length = (ms) => (ms < 10 * SECOND ? `${Math.max(1, Math.round(ms / SECOND))} s` : age(ms));

/** @param {number} ms left until something @returns {string} 0:53 */
export function countdown(ms) {
  const left = Math.max(0, Math.ceil(ms / SECOND));
  return `${Math.floor(left / 60)}:${two(left % 60)}`;
}

/**
 * The clock of one time zone. Asking Intl for every label would cost more than drawing it, and an offset only changes on the hour or
 * half of it, so it is asked once per quarter.
 */
export class Zone {
  #format;
  #quarter = NaN;
  #offset = 0;

  /** @param {string} name IANA name @throws {RangeError} for a zone the browser does not know */
  constructor(name) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
  }

  /** @param {number} ms since 1970 UTC @returns {number} ms to add for the clock on the wall */
  offset(ms) {
    const quarter = Math.floor(ms / (15 * MINUTE));
    if (quarter === this.#quarter) return this.#offset;
    const at = quarter * 15 * MINUTE;
    const parts = Object.fromEntries(this.#format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    this.#offset = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - at;
    this.#quarter = quarter;
    return this.#offset;
  }

  /** @param {number} ms @returns {string} 14:32 */
  hm(ms) {
    const wall = this.#wall(ms);
    return `${two(Math.floor(wall / HOUR))}:${two(Math.floor((wall % HOUR) / MINUTE))}`;
  }

  /** @param {number} ms @returns {string} 14:32:07 */
  hms(ms) {
    return `${this.hm(ms)}:${two(Math.floor((this.#wall(ms) % MINUTE) / SECOND))}`;
  }

  /** @param {number} ms @returns {string} 2026-11-22 */
  ymd(ms) {
    return new Date(ms + this.offset(ms)).toISOString().slice(0, 10);
  }

  /** @param {number} ms @returns {string} 14:32:07.418 */
  exact(ms) {
    return `${this.hms(ms)}.${String(Math.floor(this.#wall(ms) % SECOND)).padStart(3, '0')}`;
  }

  #wall(ms) {
    const wall = Math.floor(ms + this.offset(ms)) % DAY;
    return wall < 0 ? wall + DAY : wall;
  }
}
