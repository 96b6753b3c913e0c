// Group commit: calls that move money wait here for a moment and then share one transaction.
import type { IdempotencyKey } from '../../domain/intent.ts';
import type { Perform, Verb } from '../../domain/verb.ts';
import { type BatchTools, runBatch, type WaitingCall } from './run-batch.ts';

/** How batches are formed. */
export interface BatcherOptions {
  /** How many movements of money share a transaction at most; a call that brings more has one to itself. */
  readonly maxBatch: number;
  /** How many batches run at a time: while one waits for its commit to reach the disk, the next one is decided. */
  readonly lanes: number;
}

/** The queue in front of the ledger. */
export interface Batcher {
  readonly perform: Perform;
  /** Resolves when no call is waiting or under way any more. */
  drained(): Promise<void>;
}

/**
 * Starts a batcher. A call that comes alone starts a batch at once; calls that come while all lanes are busy gather,
 * so batches grow with the load by themselves and nobody waits for a timer.
 */
export function startBatcher(tools: BatchTools, options: BatcherOptions): Batcher {
  let waiting: WaitingCall[] = [];
  let busyLanes = 0;
  let kickPlanned = false;
  const onDrained: (() => void)[] = [];

  const planKick = () => {
    if (kickPlanned) return;
    kickPlanned = true;
    // After this turn of the event loop, so that all calls that arrived in it go together.
    setImmediate(kick);
  };

  const kick = () => {
    kickPlanned = false;
    while (waiting.length > 0 && busyLanes < options.lanes) {
      const batch = waiting.slice(0, countOfNext(waiting, options.maxBatch));
      waiting = waiting.slice(batch.length);
      busyLanes += 1;
      void runBatch(tools, batch).finally(() => {
        busyLanes -= 1;
        if (waiting.length > 0) planKick();
        else if (busyLanes === 0) for (const done of onDrained.splice(0)) done();
      });
    }
  };

  const perform = <Intent, Outcome>(
    verb: Verb<Intent, Outcome>,
    intent: Intent,
    key: IdempotencyKey,
    requestId: string,
  ): Promise<Outcome> =>
    new Promise<Outcome>((resolve, reject) => {
      // The one place where a verb meets its own intent and outcome; from here on they travel together untyped.
      waiting.push({
        verb: verb as Verb<unknown, unknown>,
        intent,
        key,
        requestId,
        weight: verb.weight?.(intent) ?? 1,
        resolve: resolve as (outcome: unknown) => void,
        reject,
      });
      planKick();
    });

  const drained = () =>
    new Promise<void>((resolve) => {
      if (waiting.length === 0 && busyLanes === 0) resolve();
      else onDrained.push(resolve);
    });

  return { perform, drained };
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
