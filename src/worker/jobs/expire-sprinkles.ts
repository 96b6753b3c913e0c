// Pays back what is left of all sprinkles whose time is over.

import { setAside, shardsWithDue, withDue } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Execute } from '../../domain/batch/command.ts';
import { systemCall } from '../../domain/batch/command.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Sprinkle } from '../../domain/sprinkle.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import { type RefundedSprinkle, refundKey, refundSprinkle } from '../../usecases/index.ts';
import type { Job, JobObserver } from '../job.ts';

/** What refunding takes. */
export interface RefundTools {
  readonly pool: Pool;
  readonly execute: Execute;
  readonly observer: Pick<JobObserver, 'refunded'>;
}

/** How many refunds wait for the ledger at a time: as many as two full batches take. */
const CHUNK = 2_000;

/**
 * A run reads everything that is due, so it does not matter which sprinkle woke it, or whether a wake-up was lost.
 */
export function expireSprinkles(tools: RefundTools): Job {
  return {
    async run(_data, stopping) {
      const counts = { refunded: 0, setAside: 0 };
      for (const shard of await shardsWithDue(tools.pool)) {
        for (let taken: number | undefined = CHUNK; taken === CHUNK && !stopping.aborted; ) {
          taken = await withDue(tools.pool, shard, CHUNK, async (due) => {
            const failed = await refundAll(tools, due);
            counts.refunded += due.length - failed;
            counts.setAside += failed;
          });
        }
      }
      return counts;
    },
  };
}

/** Refunds sprinkles side by side; those that cannot be get jobs of their own. Returns how many those were. */
async function refundAll(tools: RefundTools, due: readonly Sprinkle[]): Promise<number> {
  const results = await Promise.allSettled(due.map((sprinkle) => refund(tools, sprinkle)));
  const lags: number[] = [];
  const failed: string[] = [];
  let passing: unknown;
  for (const [index, result] of results.entries()) {
    const sprinkle = due[index] as Sprinkle;
    if (result.status === 'fulfilled') lags.push(result.value.at - sprinkle.expiresAt);
    else if (isPassing(result.reason)) passing = result.reason;
    else failed.push(sprinkle.id);
  }
  for (const id of failed) await setAside(tools.pool, id);
  tools.observer.refunded(lags.length, Math.max(0, ...lags) / MICROS_PER_MS);
  if (passing !== undefined) throw passing;
  return failed.length;
}

/** Pays back what is left of one sprinkle, once. */
export function refund({ execute }: RefundTools, sprinkle: Sprinkle): Promise<RefundedSprinkle> {
  const key = refundKey(sprinkle);
  return execute(refundSprinkle, { sprinkle }, key, systemCall(key.key));
}

/** Whether the failure has nothing to do with the sprinkle and passes by itself. */
function isPassing(error: unknown): boolean {
  return error instanceof Refusal && (error.reason === 'UNAVAILABLE' || error.reason === 'CONFLICT');
}
