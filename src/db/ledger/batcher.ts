// Group commit: calls that move money wait here for a moment and then share one transaction.

import type { CallInfo, Execute, LedgerCommand } from '../../domain/command.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import { Refusal } from '../../domain/refusal.ts';
import { SILENCE_MS } from '../timeouts.ts';
import { PostgresAwayError } from '../unreachable.ts';
import { ASIDE_LANES, Aside } from './aside.ts';
import { findBlocked, namesOf } from './find-blocked.ts';
import type { WaitFor } from './load-book.ts';
import { type BatchTools, type Rest, runBatch, type WaitingCall } from './run-batch.ts';

/** How batches are formed. */
export interface BatcherOptions {
  /** How many movements of money share a transaction at most; a call that brings more has one to itself. */
  readonly maxBatch: number;
  /** How many batches run at a time: while one waits for its commit to reach the disk, the next one is decided. */
  readonly lanes: number;
  /** How many calls may wait; the ones above that are refused at once. Of those an eighth may wait for rows that others have locked. */
  readonly maxWaiting: number;
}

/** How many connections a batcher uses at a time: for its lanes, those of calls that were set aside, and to ask for locks. */
export function connectionsOf({ lanes }: Pick<BatcherOptions, 'lanes'>): number {
  return lanes + ASIDE_LANES + 1;
}

/** The queue in front of the ledger. */
export interface Batcher {
  /** Refuses UNAVAILABLE where too many calls wait, and DEADLINE_EXCEEDED where the call's turn comes too late. */
  readonly execute: Execute;
  /** How many calls wait for a batch to take them, or for rows that others have locked. */
  queueLength(): number;
  /** Throws when all lanes have been busy for long, and none has ended a batch. */
  checkProgress(): void;
  /** Resolves when no call is waiting or under way any more. */
  drained(): Promise<void>;
}

const TRY_AGAIN_MS = 500;

/**
 * Starts a batcher. A call that comes alone starts a batch at once; calls that come while all lanes are busy mergeReadSets,
 * so batches grow with the load by themselves and nobody waits for a timer.
 */
export function startBatcher(tools: BatchTools, options: BatcherOptions): Batcher {
  let waiting: WaitingCall[] = [];
  let busyLanes = 0;
  let kickPlanned = false;
  /** When a lane last ended a batch, or the last free one was taken. */
  let movedAt = 0;
  const onDrained: (() => void)[] = [];

  const planKick = () => {
    if (kickPlanned) return;
    kickPlanned = true;
    // After this turn of the event loop, so that all calls that arrived in it go together.
    setImmediate(kick);
  };

  const run = async (batch: readonly WaitingCall[], waitFor?: WaitFor): Promise<Rest> => {
    const takenAt = performance.now();
    const rest = await runBatch(tools, batch, waitFor);
    tools.observer?.batched(batch.length, (performance.now() - takenAt) / 1000);
    return rest;
  };

  const aside = new Aside({
    maxCalls: Math.max(1, Math.floor(options.maxWaiting / 8)),
    run,
    cut: (calls) => calls.slice(0, countOfNext(calls, options.maxBatch)),
    findBlocked: (calls) => findBlocked(tools.pool, calls, tools.random),
    namesOf: (call) => namesOf(call.command.readSet(call.intent, tools.random)),
    onEmpty: () => noteDrained(),
  });

  const kick = () => {
    kickPlanned = false;
    if (aside.isOpen && busyLanes < options.lanes) waiting = aside.takeAffected(waiting);
    while (waiting.length > 0 && busyLanes < options.lanes) {
      const next = waiting.slice(0, countOfNext(waiting, options.maxBatch));
      waiting = waiting.slice(next.length);
      const batch = inTime(next);
      if (batch.length === 0) continue;
      busyLanes += 1;
      movedAt = performance.now();
      const takenAt = performance.now();
      for (const call of batch) tools.observer?.waited((takenAt - call.arrivedAt) / 1000);
      void run(batch).then((rest) => {
        busyLanes -= 1;
        movedAt = performance.now();
        if (rest.blocked.length + rest.unclear.length + rest.offenders.length > 0) aside.take(rest);
        if (waiting.length > 0) planKick();
        else noteDrained();
      });
    }
    noteDrained();
  };

  const noteDrained = () => {
    if (waiting.length === 0 && busyLanes === 0 && aside.size === 0)
      for (const done of onDrained.splice(0)) done();
  };

  const execute = <Intent, Outcome>(
    command: LedgerCommand<Intent, Outcome>,
    intent: Intent,
    key: IdempotencyKey,
    info: CallInfo,
  ): Promise<Outcome> =>
    new Promise<Outcome>((resolve, reject) => {
      if (waiting.length >= options.maxWaiting) {
        reject(new Refusal('UNAVAILABLE', { retryAfterMs: TRY_AGAIN_MS }));
        return;
      }
      // The one place where a command meets its own intent and outcome; from here on they travel together untyped.
      waiting.push({
        command: command as LedgerCommand<unknown, unknown>,
        intent,
        key,
        info,
        arrivedAt: performance.now(),
        weight: command.weight?.(intent) ?? 1,
        resolve: resolve as (outcome: unknown) => void,
        reject,
      });
      planKick();
    });

  const drained = () =>
    new Promise<void>((resolve) => {
      onDrained.push(resolve);
      noteDrained();
    });

  const checkProgress = () => {
    if (busyLanes === options.lanes) refuseSilence(performance.now() - movedAt);
  };

  return { execute, checkProgress, queueLength: () => waiting.length + aside.size, drained };
}

function refuseSilence(ms: number): void {
  if (ms <= SILENCE_MS) return;
  throw new PostgresAwayError(`no batch of the ledger has ended for ${Math.round(ms)} ms`);
}

/** The calls that somebody still waits for; the others are refused before they cost anything. */
function inTime(calls: readonly WaitingCall[]): WaitingCall[] {
  const now = Date.now();
  return calls.filter((call) => {
    if (call.info.deadlineMs > now) return true;
    call.reject(new Refusal('DEADLINE_EXCEEDED'));
    return false;
  });
}

/** How many of the waiting calls go into the next batch: in their order, and none overtakes a heavy one. */
function countOfNext(waiting: readonly WaitingCall[], maxWeight: number): number {
  let weight = 0;
  const tooMany = waiting.findIndex((call, index) => {
    weight += call.weight;
    return weight > maxWeight && index > 0;
  });
  return tooMany === -1 ? waiting.length : tooMany;
}
