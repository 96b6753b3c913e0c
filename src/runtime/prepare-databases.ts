// What a program asks of its databases before it starts: this version's migrations, or later ones, and partitions to write to.
import { ensurePartitions } from '../db/jobs/index.ts';
import { isUnreachable, type Pool } from '../db/pool.ts';
import { checkSchema, type Schema } from '../db/schema-state.ts';
import type { Resources } from './resources.ts';

/** A program needs the partition of the next month, too; those of later months are a worker's work. */
const MONTHS_NEEDED_AHEAD = 1;

/**
 * Throws a SchemaError when the ledger's database, or the archive's where there is one, lacks a migration that this version
 * knows. One query each, at the start only: migrating beside a running program does not change its health. An archive that
 * cannot be reached is no reason not to start, for most calls do without it. Then makes the partitions that are missing.
 */
export async function prepareDatabases(
  resources: Pick<Resources, 'logs' | 'warn'>,
  { ledger, archive }: { readonly ledger: Pool; readonly archive: Pool | undefined },
): Promise<void> {
  const check = async (pool: Pool, schema: Schema) => {
    const { newer, strange } = await checkSchema(pool, schema);
    const { app } = resources.logs;
    if (newer.length > 0) app.info({ state: newer.join(' ') }, `${schema}: runs beside later migrations`);
    if (strange.length > 0) app.warn({ state: strange.join(' ') }, `${schema}: unknown migrations`);
  };
  await Promise.all([
    check(ledger, 'ledger'),
    archive &&
      check(archive, 'archive').catch((error: unknown) => {
        if (!isUnreachable(error)) throw error;
        resources.warn('the archive cannot be reached, so its migrations were not checked')(error);
      }),
  ]);
  await ensurePartitions(ledger, MONTHS_NEEDED_AHEAD);
}
