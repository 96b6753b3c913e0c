// The settings of a worker: read from the environment once, checked, and typed from then on.
import { readVariables, type ValuesOf } from '../runtime/env.ts';
import { COMMON_VARIABLES } from '../runtime/index.ts';
import { optionalSecret, whole } from '../runtime/variable-kinds.ts';

const HUNDRED_YEARS = { days: 36_500, months: 1200 };

/** Every variable that a worker reads. */
export const WORKER_VARIABLES = {
  ...COMMON_VARIABLES,
  opsKey: optionalSecret(
    'OPS_KEY',
    'The password of the board of queues on the ops port; without it there is no board.',
  ),
  archiveAfterMonths: whole(
    'ARCHIVE_AFTER_MONTHS',
    'How many whole months of transfers stay in the database besides the current one.',
    { fallback: 12, min: 1, max: HUNDRED_YEARS.months, unit: 'months' },
  ),
  purgeDraftsAfterDays: whole(
    'PURGE_PAYOUT_DRAFTS_AFTER_DAYS',
    'How long drafts of payouts are kept after they were made; 0 keeps them for good.',
    { fallback: 30, min: 0, max: HUNDRED_YEARS.days, unit: 'days' },
  ),
  purgeKeysAfterDays: whole(
    'PURGE_API_KEYS_AFTER_DAYS',
    'How long API keys are kept after their end; 0 keeps them for good.',
    { fallback: 0, min: 0, max: HUNDRED_YEARS.days, unit: 'days' },
  ),
};

/** How a worker is set up. */
export type WorkerConfig = ValuesOf<typeof WORKER_VARIABLES>;

/**
 * Reads the settings of a worker. Throws a ConfigError that names every fault at once.
 * @param others Names that other programs know.
 */
export function readWorkerConfig(env: NodeJS.ProcessEnv, others: readonly string[] = []): WorkerConfig {
  return readVariables(WORKER_VARIABLES, env, { others });
}
