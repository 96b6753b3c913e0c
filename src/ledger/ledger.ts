// Group commit: calls that move money queue here for a moment and then share one transaction.

import { SILENCE_MS } from '../db/timeouts.ts';
import { PostgresAwayError } from '../db/unreachable.ts';
import type { CallInfo, Execute, LedgerCommand } from '../domain/batch/command.ts';
import type { IdempotencyKey } from '../domain/intent.ts';
import { Refusal } from '../domain/refusal.ts';
import { DEFERRED_LANES, DeferredCalls } from './deferred-calls.ts';
import { runDividing } from './divide-batch.ts';
import type { BatchTools, LedgerTools } from './ledger-tools.ts';
import { findLockedRows, rowNames } from './locked-rows.ts';
import { UncountedWallets } from './uncounted-wallets.ts';
import type { Unfinished, WaitFor, WaitingCall } from './waiting-call.ts';

/** How batches are formed. */
export interface LedgerOptions {
  /** The most movements of money that share a transaction; a call with more has one to itself. */
  readonly maxBatch: number;
  /** How many batches run at once: while one waits for its commit to reach the disk, the next one is decided. */
  readonly lanes: number;
  /** How many calls may queue; further ones are refused at once. An eighth of it may wait for rows that others hold locked. */
  readonly maxWaiting: number;
}

/**
 * How many connections a ledger uses at once: one for each lane, for each lane of deferred calls, and one to find locks and to count
 * wallets.
 */
export function connectionsFor({ lanes }: Pick<LedgerOptions, 'lanes'>): number {
  return lanes + DEFERRED_LANES + 1;
}

/** The ledger: the only way in which money moves. */
export interface Ledger extends AsyncDisposable {
  /** Refuses UNAVAILABLE if too many calls are queued, and DEADLINE_EXCEEDED if the call's turn comes too late. */
  readonly execute: Execute;
  /** How many calls wait for a batch, or for rows that others hold locked. */
  queueLength(): number;
  /** Throws when all lanes have been busy for SILENCE_MS and none has finished a batch. */
  checkProgress(): void;
  /** Resolves when no call is queued or under way any more. */
  [Symbol.asyncDispose](): Promise<void>;
}

const TRY_AGAIN_MS = 500;

/** Creates a ledger. */
export function createLedger(tools: LedgerTools, options: LedgerOptions): Ledger {
  return new QueuedLedger(tools, options);
}

/**
 * A call that comes alone starts a batch at once. Calls that come while all lanes are busy queue up, so batches grow with
 * the load by themselves and no call waits for a timer.
 */
class QueuedLedger implements Ledger {
  readonly #tools: BatchTools;
  readonly #options: LedgerOptions;
  readonly #deferred: DeferredCalls;
  readonly #onIdle: (() => void)[] = [];
  #waiting: WaitingCall[] = [];
  #busyLanes = 0;
  /** The hot rows of the batches under way. */
  readonly #hotRows = new Set<string>();
  #isDispatchPlanned = false;
  /** When a lane last finished a batch or started one, by performance.now(). */
  #movedAt = 0;

  constructor(tools: LedgerTools, options: LedgerOptions) {
    const policies = { current: undefined };
    const uncounted = new UncountedWallets(tools.pool, (walletId, error) =>
      tools.observer?.countingFailed?.(walletId, error),
    );
    this.#tools = { ...tools, policies, uncounted };
    this.#options = options;
    this.#deferred = new DeferredCalls({
      maxCalls: Math.max(1, Math.floor(options.maxWaiting / 8)),
      run: (calls, waitFor) => this.#run(calls, waitFor),
      firstBatch: (calls) => calls.slice(0, countOfNext(calls, options.maxBatch)),
      findLocked: async (calls) => {
        const rows = await findLockedRows(tools.pool, calls, tools.random, policies.current !== undefined);
        return new Set([...rows.keys(), ...uncounted.names()]);
      },
      rowNames: (call) => rowNames(call.command.readSet(call.intent, tools.random)),
      onEmpty: () => this.#checkIdle(),
    });
  }

  readonly execute: Execute = <Intent, Outcome>(
    command: LedgerCommand<Intent, Outcome>,
    intent: Intent,
    key: IdempotencyKey,
    info: CallInfo,
  ) =>
    new Promise<Outcome>((resolve, reject) => {
      if (this.#waiting.length >= this.#options.maxWaiting) {
        reject(new Refusal('UNAVAILABLE', { retryAfterMs: TRY_AGAIN_MS }));
        return;
      }
      // The one place where a command meets its own intent and outcome; from here on they travel together untyped.
      this.#waiting.push({
        command: command as LedgerCommand<unknown, unknown>,
        intent,
        key,
        info,
        arrivedAt: performance.now(),
        weight: command.weight?.(intent) ?? 1,
        hotRow: command.hotRow?.(intent),
        resolve: resolve as (outcome: unknown) => void,
        reject,
      });
      this.#planDispatch();
    });

  queueLength(): number {
    return this.#waiting.length + this.#deferred.size;
  }

  checkProgress(): void {
    if (this.#busyLanes === this.#options.lanes) checkSilence(performance.now() - this.#movedAt);
  }

  [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle.push(resolve);
    this.#checkIdle();
    return promise.then(() => this.#tools.uncounted.stop());
  }

  #planDispatch(): void {
    if (this.#isDispatchPlanned) return;
    this.#isDispatchPlanned = true;
    // After this turn of the event loop, so that all calls that arrived in it go together.
    setImmediate(() => this.#dispatch());
  }

  /** Fills the free lanes with queued calls. */
  #dispatch(): void {
    this.#isDispatchPlanned = false;
    const { lanes, maxBatch } = this.#options;
    if (this.#deferred.hasGroups && this.#busyLanes < lanes) {
      this.#waiting = this.#deferred.addAffected(this.#waiting);
    }
    while (this.#busyLanes < lanes) {
      const next = this.#takeNext(maxBatch);
      if (next.length === 0) break;
      const batch = rejectExpired(next);
      if (batch.length > 0) this.#startLane(batch);
    }
    this.#checkIdle();
  }

  /** Takes the next batch out of the queue: calls in their order, but for those whose hot row another batch has. */
  #takeNext(maxBatch: number): readonly WaitingCall[] {
    if (this.#hotRows.size === 0) {
      const next = this.#waiting.slice(0, countOfNext(this.#waiting, maxBatch));
      this.#waiting = this.#waiting.slice(next.length);
      return next;
    }
    const free = this.#waiting.filter(({ hotRow }) => hotRow === undefined || !this.#hotRows.has(hotRow));
    const next = new Set(free.slice(0, countOfNext(free, maxBatch)));
    this.#waiting = this.#waiting.filter((call) => !next.has(call));
    return [...next];
  }

  #startLane(batch: readonly WaitingCall[]): void {
    this.#busyLanes += 1;
    const takenAt = performance.now();
    this.#movedAt = takenAt;
    for (const { arrivedAt, hotRow } of batch) {
      this.#tools.observer?.waited((takenAt - arrivedAt) / 1000);
      if (hotRow !== undefined) this.#hotRows.add(hotRow);
    }
    void this.#run(batch).then((unfinished) => {
      this.#busyLanes -= 1;
      for (const { hotRow } of batch) if (hotRow !== undefined) this.#hotRows.delete(hotRow);
      this.#movedAt = performance.now();
      const { blocked, undetermined, offenders } = unfinished;
      if (blocked.length + undetermined.length + offenders.length > 0) this.#deferred.add(unfinished);
      if (this.#waiting.length > 0) this.#planDispatch();
      else this.#checkIdle();
    });
  }

  async #run(batch: readonly WaitingCall[], waitFor?: WaitFor): Promise<Unfinished> {
    const takenAt = performance.now();
    const { tracer } = this.#tools;
    const unfinished = await (tracer === undefined
      ? runDividing(this.#tools, batch, waitFor)
      : tracer.batch(batch, () => runDividing(this.#tools, batch, waitFor)));
    this.#tools.observer?.batched(batch.length, (performance.now() - takenAt) / 1000);
    return unfinished;
  }

  #checkIdle(): void {
    if (this.#waiting.length > 0 || this.#busyLanes > 0 || this.#deferred.size > 0) return;
    for (const done of this.#onIdle.splice(0)) done();
  }
}

function checkSilence(ms: number): void {
  if (ms <= SILENCE_MS) return;
  throw new PostgresAwayError(`no batch of the ledger has ended for ${Math.round(ms)} ms`);
}

/** Refuses calls whose deadline has passed before they cost anything; returns the others. */
function rejectExpired(calls: readonly WaitingCall[]): WaitingCall[] {
  const now = Date.now();
  return calls.filter((call) => {
    if (call.info.deadlineMs > now) return true;
    call.reject(new Refusal('DEADLINE_EXCEEDED'));
    return false;
  });
}

/** How many of the queued calls go into the next batch: in order of arrival, so none overtakes a heavy one. */
function countOfNext(waiting: readonly WaitingCall[], maxWeight: number): number {
  let weight = 0;
  const tooMany = waiting.findIndex((call, index) => {
    weight += call.weight;
    return weight > maxWeight && index > 0;
  });
  return tooMany === -1 ? waiting.length : tooMany;
}
