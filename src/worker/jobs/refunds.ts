// Pays back what is left of all sprinkles and holds whose time is over.

import { DUE_HOLDS, DUE_SPRINKLES, type DueItems } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { CallInfo, Execute } from '../../domain/batch/command.ts';
import { systemCall } from '../../domain/batch/command.ts';
import type { Hold } from '../../domain/hold.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Sprinkle } from '../../domain/sprinkle.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import type { TraceContext } from '../../domain/trace-context.ts';
import { expireHold, expiryKey, refundKey, refundSprinkle } from '../../usecases/index.ts';
import type { Job, JobObserver } from '../job.ts';

/** What refunding takes. */
export interface RefundTools {
  readonly pool: Pool;
  readonly execute: Execute;
  readonly observer: Pick<JobObserver, 'refunded'>;
}

/** Something that ends at a stated time with money in its pot. */
interface Expiring {
  readonly id: string;
  readonly expiresAt: Micros;
}

/** How things of a kind are found and paid back. */
interface Refunding<Item extends Expiring> {
  readonly kind: 'sprinkle' | 'hold';
  readonly due: DueItems<Item>;
  readonly keyOf: (item: Item) => IdempotencyKey;
  readonly refund: (
    execute: Execute,
    item: Item,
    key: IdempotencyKey,
    call: CallInfo,
  ) => Promise<{ readonly amount: bigint; readonly at: Micros }>;
}

const SPRINKLES: Refunding<Sprinkle> = {
  kind: 'sprinkle',
  due: DUE_SPRINKLES,
  keyOf: refundKey,
  refund: (execute, sprinkle, key, call) => execute(refundSprinkle, { sprinkle }, key, call),
};

const HOLDS: Refunding<Hold> = {
  kind: 'hold',
  due: DUE_HOLDS,
  keyOf: expiryKey,
  refund: (execute, hold, key, call) => execute(expireHold, { hold }, key, call),
};

/** How many refunds wait for the ledger at a time: as many as two full batches take. */
const CHUNK = 2_000;

/** The jobs that pay back. */
export function refundJobs(tools: RefundTools) {
  return {
    'expire-sprinkles': refundAllDue(tools, SPRINKLES),
    'refund-sprinkle': refundOne(tools, SPRINKLES),
    'expire-holds': refundAllDue(tools, HOLDS),
    'expire-hold': refundOne(tools, HOLDS),
  };
}

/** A run reads everything that is due, so it does not matter what woke it, or whether a wake-up was lost. */
function refundAllDue<Item extends Expiring>(tools: RefundTools, refunding: Refunding<Item>): Job {
  const { due } = refunding;
  return {
    async run(_data, stopping) {
      const counts = { refunded: 0, setAside: 0 };
      const refundShard = async (shard: number) => {
        for (let taken: number | undefined = CHUNK; taken === CHUNK && !stopping.aborted; ) {
          taken = await due.withDue(tools.pool, shard, CHUNK, async (items) => {
            const failed = await refundAll(tools, refunding, items);
            counts.refunded += items.length - failed;
            counts.setAside += failed;
          });
        }
      };
      let passing: unknown;
      for (const shard of await due.shardsWithDue(tools.pool)) {
        // What cannot be paid back at this moment holds up nothing in other shards.
        await refundShard(shard).catch((error: unknown) => {
          if (!isPassing(error)) throw error;
          passing = error;
        });
      }
      if (passing !== undefined) throw passing;
      return counts;
    },
  };
}

/** Pays back one whose refund failed among others; its data names it. */
function refundOne<Item extends Expiring>(tools: RefundTools, refunding: Refunding<Item>): Job {
  const { due } = refunding;
  return {
    async run(data, _stopping, trace) {
      const item = await due.find(tools.pool, String(data[due.idName]));
      if (!item) return { found: false };
      const { amount } = await refund(tools, refunding, item, trace);
      return { found: true, amount: amount.toString() };
    },
  };
}

/** Refunds items side by side; those that cannot be get jobs of their own. Returns how many those were. */
async function refundAll<Item extends Expiring>(
  tools: RefundTools,
  refunding: Refunding<Item>,
  items: readonly Item[],
): Promise<number> {
  const results = await Promise.allSettled(items.map((item) => refund(tools, refunding, item)));
  const lags: number[] = [];
  const failed: string[] = [];
  let passing: unknown;
  for (const [index, result] of results.entries()) {
    const item = items[index] as Item;
    if (result.status === 'fulfilled') lags.push(result.value.at - item.expiresAt);
    else if (isPassing(result.reason)) passing = result.reason;
    else failed.push(item.id);
  }
  for (const id of failed) await refunding.due.setAside(tools.pool, id);
  tools.observer.refunded(refunding.kind, lags.length, Math.max(0, ...lags) / MICROS_PER_MS);
  if (passing !== undefined) throw passing;
  return failed.length;
}

/** Pays back what is left of one item, once. A run for all that is due belongs to no one trace. */
function refund<Item extends Expiring>(
  { execute }: RefundTools,
  { keyOf, refund: pay }: Refunding<Item>,
  item: Item,
  trace?: TraceContext,
) {
  const key = keyOf(item);
  return pay(execute, item, key, systemCall(key.key, trace));
}

/** Whether the failure has nothing to do with the item and passes by itself. */
function isPassing(error: unknown): boolean {
  return error instanceof Refusal && (error.reason === 'UNAVAILABLE' || error.reason === 'CONFLICT');
}
