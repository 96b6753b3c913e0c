// Moves months of transfers that are long over to the archive: copied, compared, and only then let go.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  attestMonth,
  copyMonth,
  isReconciled,
  isSealed,
  type Month,
  monthsToArchive,
  releaseMonth,
  verifyMonth,
} from '../../db/archive/index.ts';
import type { Pool } from '../../db/pool.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import type { Job } from '../job.ts';

/** What archiving takes. */
export interface ArchiveTools {
  /** Connections whose statements may run for minutes. */
  readonly live: Pool;
  /** Undefined where there is no archive; then nothing is moved. */
  readonly archive: Pool | undefined;
  readonly afterMonths: number;
}

const CHUNK = 2_000;
/** It rests three seconds for each second of copying, which leaves most of the database to calls. */
const REST = 3;
/** How long a month that was copied waits for its lock between two attempts, and in all; the next run goes on. */
const TRY_AGAIN_MS = 2_000;
const GIVE_UP_AFTER_MS = 15 * 60_000;

/**
 * It may be cut off anywhere: a copy continues where it stopped, a copied month is compared again, and a released month is
 * no longer here. Two at once send the same rows to the archive, which accepts each once.
 */
export function archiveTransfers({ live, archive, afterMonths }: ArchiveTools): Job {
  return {
    async run(_data, stopping) {
      const done = { months: 0, transfers: 0 };
      if (!archive) return done;
      for (const month of await monthsToArchive(live, afterMonths)) {
        // The oldest month goes first; while it may not, no other may.
        if (!(await isReconciled(live, month))) return { ...done, waitsFor: 'reconcile-ledger' };
        // The seal reads the ledger alone.
        if (!(await isSealed(live, month))) return { ...done, waitsFor: 'the seal of the feed' };
        await copyMonth(live, archive, month, CHUNK, async (tookMs) => {
          await sleep(REST * tookMs, undefined, { signal: stopping }).catch(() => {});
          return !stopping.aborted;
        });
        if (stopping.aborted) return done;
        done.transfers += await letGo(live, archive, month, stopping);
        done.months += 1;
      }
      return done;
    },
  };
}

/** Drops a month whose copy the archive attests and the ledger has compared with the original; throws where they differ. */
async function letGo(live: Pool, archive: Pool, month: Month, stopping: AbortSignal): Promise<number> {
  const copy = await attestMonth(archive, month);
  if (!(await verifyMonth(live, month, copy))) {
    throw new InvariantError(
      `the copy of ${month.from} is not the same: it has ${copy.transfers} transfers of ${copy.amount}, digest ${copy.digest}`,
    );
  }
  const giveUpAt = Date.now() + GIVE_UP_AFTER_MS;
  await releaseMonth(live, month, async () => {
    await sleep(TRY_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
    return !stopping.aborted && Date.now() < giveUpAt;
  });
  return Number(copy.transfers);
}
