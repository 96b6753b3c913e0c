// Reads how the work that has to be done stands, for the metrics of a worker.
import { sealLagSeconds } from '../db/feed/index.ts';
import {
  countDeadLetters,
  lastReconciliation,
  monthsWithPartition,
  oldestDueSeconds,
  refundOverdueSeconds,
} from '../db/jobs/index.ts';
import type { Pool } from '../db/pool.ts';
import { checkpointLagSeconds } from '../db/transparency/index.ts';
import type { UpkeepState } from '../runtime/index.ts';

/** One state; the statements run one after the other, because a page of metrics needs no more than one connection. */
export async function readUpkeep(pool: Pool): Promise<UpkeepState> {
  return {
    oldestDueSeconds: await oldestDueSeconds(pool),
    partitionMonths: await monthsWithPartition(pool),
    deadLetters: await countDeadLetters(pool),
    refundOverdueSeconds: await refundOverdueSeconds(pool),
    reconciliation: await lastReconciliation(pool),
    sealLagSeconds: await sealLagSeconds(pool),
    checkpointLagSeconds: await checkpointLagSeconds(pool),
  };
}
