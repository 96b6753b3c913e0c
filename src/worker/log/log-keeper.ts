// Keeps the transparency log: appends what is sealed, signs, and saves, once a second. Any number of workers may do it: the one that
// has the log's row locked appends or signs, and the others come back later.
import { setTimeout as sleep } from 'node:timers/promises';
import { AccountOwners } from '../../db/feed/index.ts';
import type { Pool } from '../../db/pool.ts';
import { logProgress } from '../../db/transparency/index.ts';
import type { SealingKeys } from '../../keys/index.ts';
import type { JobObserver } from '../job.ts';
import { appendSealed } from './append.ts';
import { signCheckpoint } from './checkpoint.ts';
import { createCheckpointSaver } from './save.ts';

/** How often the log is kept, in milliseconds. */
export interface LogTimes {
  readonly appendMs: number;
  readonly checkpointMs: number;
}

/** The times of workers in production; tests have shorter ones. */
export const LOG_TIMES: LogTimes = { appendMs: 1_000, checkpointMs: 10_000 };

/** The settings of the log. */
export interface LogSettings {
  /** What seals the keys that sign; a worker without them appends and does not sign. */
  readonly keyEncryptionKeys: SealingKeys | undefined;
  readonly transparencyLogName: string;
  /** Where checkpoints are saved as files; undefined for nowhere. */
  readonly checkpointDir: string | undefined;
}

/** What the keeper works with. */
export interface LogTools {
  readonly pool: Pool;
  readonly archive: Pool | undefined;
  readonly observer: Pick<JobObserver, 'trouble'>;
  /** LOG_TIMES when left out. */
  readonly times?: LogTimes;
}

/** Starts it. Disposing of it waits for the transaction under way. */
export function createLogKeeper(settings: LogSettings, tools: LogTools): AsyncDisposable {
  const stopping = new AbortController();
  const keeping = keep(settings, tools, stopping.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await keeping;
    },
  };
}

async function keep(settings: LogSettings, tools: LogTools, stopping: AbortSignal): Promise<void> {
  const { pool, archive, observer, times = LOG_TIMES } = tools;
  const { keyEncryptionKeys, transparencyLogName: name, checkpointDir } = settings;
  const attempt = (what: string, work: () => Promise<void>) =>
    work().catch((error: unknown) => observer.trouble(what, error));
  const places = { reads: pool, archive, owners: new AccountOwners() };
  const save = checkpointDir === undefined ? undefined : createCheckpointSaver(pool, checkpointDir);
  while (!stopping.aborted) {
    await attempt('appending to the transparency log', async () => {
      const { size, sealed } = await logProgress(pool);
      if (sealed > size) while (!stopping.aborted && (await appendSealed(places)));
    });
    if (keyEncryptionKeys)
      await attempt('signing the transparency log', async () => {
        const { size, signed, signedAgeMs } = await logProgress(pool);
        if (size > signed && signedAgeMs >= times.checkpointMs)
          await signCheckpoint(pool, { sealingKeys: keyEncryptionKeys, name, everyMs: times.checkpointMs });
      });
    if (save) await attempt('saving a checkpoint', save);
    await sleep(times.appendMs, undefined, { signal: stopping }).catch(() => {});
  }
}
