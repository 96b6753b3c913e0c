// The audit trail's lines, and the rule that keeps strangers from filling it.

/** How an act went. `attempted` is written before anything is changed, under the same id as the outcome. */
export const ACT_OUTCOMES = [
  'attempted',
  'done',
  'refused',
  'failed',
  'denied',
  'unauthenticated',
  'dropped',
] as const;
/** One of them. */
export type ActOutcome = (typeof ACT_OUTCOMES)[number];

/** A line of the audit trail; the database says when it was. */
export interface Act {
  /** A UUID that the lines of one act have in common. */
  readonly actId: string;
  /** The key that signed, or that an unauthenticated call named; empty where there is none. */
  readonly keyId: string;
  /** `key`, `stranger`, or `command-line:USER@HOST`. */
  readonly actor: string;
  readonly clientAddress: string;
  /** `package.Service/Method`, or the command. */
  readonly rpc: string;
  /** The id of what it was about; empty where there is none. */
  readonly target: string;
  readonly outcome: ActOutcome;
  readonly reason: string;
  /** How the target was before and after it, without secrets. */
  readonly before?: object | undefined;
  readonly after?: object | undefined;
  readonly requestId: string;
  /** How many calls the line stands for. */
  readonly count: number;
}

/** Where acts are written. */
export interface AuditTrail {
  /** Writes a line now; throws where it cannot be written, and then the act must not be done. */
  record(act: Act): Promise<void>;
  /** Keeps a line to be written soon; it never waits and never throws. */
  note(act: Act): void;
  /** The same for what anybody can bring about as often as he likes: the first few of a minute, and a count of the others. */
  sample(act: Act): void;
}

/** Of one address, or of one key and RPC, so many refusals of a minute are lines of their own; the others are counted in one. */
const LINES_PER_SOURCE = 5;
/** Of all sources together. Each source may add one line that counts. */
const LINES_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

/**
 * Chooses which of many refusals become lines: the first few of each source and minute, then one that counts the others.
 * What many sources do beyond the total is counted in one line with the outcome `dropped`. So a process writes at most
 * 121 lines a minute, whoever calls and however often.
 */
export class ActSampler {
  readonly #sources = new Map<string, { lines: number; more: number; last: Act }>();
  #minute = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #dropped = 0;
  #lastDropped: Act | undefined;

  /** The lines to write now; empty where the act is only counted. `nowMs` never goes back. */
  take(source: string, act: Act, nowMs: number): readonly Act[] {
    const summary = this.summarize(nowMs);
    const known = this.#sources.get(source);
    if (this.#lines >= LINES_PER_MINUTE && !known) {
      this.#dropped += act.count;
      this.#lastDropped = act;
      return summary;
    }
    if (this.#lines >= LINES_PER_MINUTE || (known && known.lines >= LINES_PER_SOURCE)) {
      if (known) {
        known.more += act.count;
        known.last = act;
      }
      return summary;
    }
    this.#lines += 1;
    if (known) known.lines += 1;
    else this.#sources.set(source, { lines: 1, more: 0, last: act });
    return [...summary, act];
  }

  /** Once a minute is over: the lines that count what had none of its own. */
  summarize(nowMs: number): readonly Act[] {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute === this.#minute) return [];
    const lines = [...this.#sources.values()]
      .filter(({ more }) => more > 0)
      .map(({ more, last }) => ({ ...last, count: more }));
    if (this.#lastDropped) lines.push(droppedActs(this.#lastDropped, this.#dropped));
    this.#minute = minute;
    this.#sources.clear();
    this.#lines = 0;
    this.#dropped = 0;
    this.#lastDropped = undefined;
    return lines;
  }
}

/** A line for acts that have none of their own. */
export function droppedActs(like: Act, count: number): Act {
  return {
    ...like,
    keyId: '',
    clientAddress: '',
    target: '',
    outcome: 'dropped',
    reason: 'too many to be written one by one',
    before: undefined,
    after: undefined,
    count,
  };
}
