// Entries of the audit trail, and the rule that keeps unauthenticated callers from flooding it.

import type { Micros } from './time.ts';
import type { TraceContext } from './trace-context.ts';

/** The outcome of an act. `attempted` is written before anything is changed, with the same id as the outcome. */
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

/** An entry of the audit trail; the database adds its time. */
export interface Act {
  /** A UUID that the entries of one act share. */
  readonly actId: string;
  /** The key that signed, or that an unauthenticated call named; empty if there is none. */
  readonly keyId: string;
  /** `key`, `operator-page`, `stranger`, or `command-line:USER@HOST`. */
  readonly actor: string;
  readonly clientAddress: string;
  /** `package.Service/Method`, `operator-page/VIEW`, or the command. */
  readonly rpc: string;
  /** The id of the target; empty if there is none. */
  readonly target: string;
  readonly outcome: ActOutcome;
  /** Why it was refused or failed; otherwise why an operator did it, where that was asked for. */
  readonly reason: string;
  /** The state of the target before and after the act, without secrets. */
  readonly before?: object | undefined;
  readonly after?: object | undefined;
  readonly requestId: string;
  /** The trace of the call; only the log has it. */
  readonly trace?: TraceContext | undefined;
  /** How many calls the entry stands for. */
  readonly count: number;
}

/** An act that may need the approval of a second key. */
export interface ApprovalRequest {
  readonly rpc: string;
  /** SHA-256 of the request, in hexadecimal. */
  readonly fingerprint: string;
  readonly target: string;
  readonly reason: string;
  readonly keyId: string;
  /** Empty where the call has none. */
  readonly idempotencyKey: string;
}

/** An act that waits for the approval of a second key. */
export interface PendingAct {
  readonly id: string;
  readonly expiresAt: Micros;
}

/** Where acts are written. */
export interface AuditTrail {
  /** Writes an entry now. If it throws, the act must not be done. */
  record(act: Act): Promise<void>;
  /** Queues an entry to be written soon; it never waits and never throws. */
  note(act: Act): void;
  /** The same for acts that any caller can cause at any rate: the first few of a minute, and a count of the others. */
  sample(act: Act): void;
}

/** How many refusals per minute of one address, or of one key and RPC, get entries of their own; the rest is counted. */
const LINES_PER_SOURCE = 5;
/** The same for all sources together. Each source may add one entry with a count. */
const LINES_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

/**
 * Chooses which refusals become entries: the first few of each source and minute, then one that counts the others. What
 * exceeds the total over all sources is counted in one entry with the outcome `dropped`. So a process writes at most
 * 121 entries a minute, whatever the traffic.
 */
export class ActSampler {
  readonly #sources = new Map<string, { lines: number; more: number; last: Act }>();
  #minute = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #dropped = 0;
  #lastDropped: Act | undefined;

  /** The entries to write now; empty if the act is only counted. `nowMs` must never decrease. */
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

  /** The counting entries of the minute before, once it is over. */
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

/** An entry that counts acts without entries of their own. */
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
