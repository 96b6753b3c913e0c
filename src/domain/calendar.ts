// Calendar days and months of a time zone.
import { MICROS_PER_MS, type Micros } from './time.ts';

/** A day or a month: from its first moment on, and before `end`. */
export interface Period {
  readonly start: Micros;
  readonly end: Micros;
}

const HOUR_MS = 3_600_000;

/** Whether a name is that of a time zone of the IANA database that this program knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The days and months of one time zone. It remembers the last of each, because nearly all moments lie in these. */
export class Calendar {
  readonly #format: Intl.DateTimeFormat;
  #day: Period = { start: 0, end: 0 };
  #month: Period = { start: 0, end: 0 };

  /** `timeZone` is a name of the IANA database; throws RangeError for others. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
  }

  /** The day of a moment. */
  day(moment: Micros): Period {
    if (moment < this.#day.start || moment >= this.#day.end) this.#day = this.#around(moment, 10, 26);
    return this.#day;
  }

  /** The month of a moment. */
  month(moment: Micros): Period {
    if (moment < this.#month.start || moment >= this.#month.end) {
      this.#month = this.#around(moment, 7, 32 * 24);
    }
    return this.#month;
  }

  /** The moments with the same first letters of the date, which last no longer than `hours`: found by halving. */
  #around(moment: Micros, letters: number, hours: number): Period {
    const ms = Math.floor(moment / MICROS_PER_MS);
    const name = (at: number) => this.#format.format(at).slice(0, letters);
    const own = name(ms);
    const start = firstAfter(ms - hours * HOUR_MS, ms, (at) => name(at) === own);
    const end = firstAfter(ms, ms + hours * HOUR_MS, (at) => name(at) !== own);
    return { start: start * MICROS_PER_MS, end: end * MICROS_PER_MS };
  }
}

/** The first millisecond for which a condition holds that does not hold for `before` and holds for `after`. */
function firstAfter(before: number, after: number, holds: (ms: number) => boolean): number {
  let [without, withIt] = [before, after];
  while (withIt - without > 1) {
    const middle = Math.floor((without + withIt) / 2);
    if (holds(middle)) withIt = middle;
    else without = middle;
  }
  return withIt;
}
