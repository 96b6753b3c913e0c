// A progress bar on a terminal; in a log, a line every three seconds.

/** The progress of some work. */
export interface Step {
  /** The work: `paying lines`. */
  readonly what: string;
  readonly done: number;
  readonly of: number;
  /** In place of the numbers of `done` and `of`, where these are not what people count. */
  readonly count?: string;
  /** Additional text; empty for none. */
  readonly note: string;
}

/** Shows the progress of one piece of work after the other. */
export interface Progress {
  show(step: Step): void;
  /** Prints a line above the bar. */
  log(line: string): void;
  /** Keeps the last state on the screen. */
  end(): void;
}

/** The output: process.stderr. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const [LEAST_BAR, MOST_BAR] = [8, 28];
const DEFAULT_COLUMNS = 80;
const LOG_EVERY_MS = 3_000;
const CLEAR_LINE = '\r\x1b[K';

/** Creates the progress display of a program. */
export function createProgress(screen: Screen, now: () => number = Date.now): Progress {
  const isLive = screen.isTTY === true;
  let last: Step | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  const end = () => {
    if (last && isLive) screen.write('\n');
    last = undefined;
  };
  return {
    show(step) {
      if (last && last.what !== step.what) end();
      const isNew = !last;
      const isOver = step.done >= step.of && (last === undefined || last.done < last.of);
      last = step;
      if (isLive) {
        screen.write(`${CLEAR_LINE}${barOf(step, screen.columns || DEFAULT_COLUMNS)}`);
      } else if (isNew || isOver || now() - shownAt >= LOG_EVERY_MS) {
        shownAt = now();
        screen.write(`${step.what}:${factsOf(step)}\n`);
      }
    },
    log(line) {
      screen.write(`${isLive && last ? CLEAR_LINE : ''}${line}\n`);
    },
    end,
  };
}

function shareOf({ done, of }: Step): number {
  return of === 0 ? 1 : Math.min(1, done / of);
}

/** `paying ██████░░░░  61 %  61,000 of 100,000, 11,240/s`, as wide as fits. */
export function barOf(step: Step, columns: number): string {
  const [before, after] = [`${step.what} `, factsOf(step)];
  const width = Math.max(LEAST_BAR, Math.min(MOST_BAR, columns - before.length - after.length - 1));
  const full = Math.floor(shareOf(step) * width);
  return `${before}${'█'.repeat(full)}${'░'.repeat(width - full)}${after}`.slice(0, columns - 1);
}

function factsOf(step: Step): string {
  const percent = `${Math.floor(shareOf(step) * 100)} %`.padStart(6);
  const text = (value: number) => value.toLocaleString('en');
  return `${percent}  ${step.count ?? `${text(step.done)} of ${text(step.of)}`}${step.note ? `, ${step.note}` : ''}`;
}
