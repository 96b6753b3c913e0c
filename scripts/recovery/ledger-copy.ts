// Copies a restored ledger into an empty database of another cluster, by pg_dump and pg_restore.
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { SetupError } from '../cli/program.ts';
import { type PgTools, POSTGRES_MAJOR } from '../ops/parts/pg-tools.ts';
import { startProgram, withoutPassword } from './client-programs.ts';
import { connect } from './cluster-facts.ts';
import { checkLedger, type LedgerCheck } from './ledger-check.ts';
import { type RestoreOptions, type RestoreReport, restore } from './restore.ts';
import type { RestorePlan } from './restore-plan.ts';
import { type ScratchPostgres, startScratchPostgres } from './scratch-postgres.ts';

/** The roles that a ledger gives rights to; `npm run migrate` lets them log in. */
const ROLES = ['ppuri_app', 'ppuri_worker', 'ppuri_admin'];

const STATE = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "clusterId",
    current_setting('server_version_num')::int / 10000 AS major, pg_is_in_recovery() AS "isStandby",
    (SELECT count(*)::int FROM pg_class WHERE relnamespace NOT IN (
      SELECT oid FROM pg_namespace WHERE nspname = 'information_schema' OR nspname LIKE 'pg\\_%')) AS relations,
    (SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
        -- Of other roles' sessions a login without pg_read_all_stats sees who they are, and not what.
        AND coalesce(backend_type, 'client backend') = 'client backend') AS sessions,
    coalesce(has_schema_privilege(to_regnamespace('public'), 'CREATE'), false) AS "mayCreateTables",
    (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS "mayCreateRoles",
    ARRAY(SELECT role FROM unnest($1::text[]) AS role WHERE to_regrole(role) IS NULL) AS "missingRoles"`;

interface State {
  readonly clusterId: string;
  readonly major: number;
  readonly isStandby: boolean;
  readonly relations: number;
  readonly sessions: number;
  readonly mayCreateTables: boolean;
  readonly mayCreateRoles: boolean;
  readonly missingRoles: readonly string[];
}

/** A database as it is named to people: without the password. */
export function databaseName(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** Throws a SetupError where the plan's ledger cannot be copied into the database. Nothing is touched. */
export async function requireCopyable(plan: RestorePlan, url: string): Promise<void> {
  const { ledgers = [], archives = [] } = plan.chain.at(-1) ?? {};
  if (ledgers.length !== 1)
    throw new SetupError(
      `a restore into a database copies one ledger, and the backup has ${ledgers.length}: restore into a folder`,
    );
  if (archives.length > 0)
    throw new SetupError(
      `the ledger has months in the archive ${archives.join(', ')}, which a copy would leave behind: restore into a folder`,
    );
  const client = await connect(url);
  await requireEmpty(client, plan, url).finally(() => client.end());
}

/** Throws a SetupError where the database cannot take the copy; the roles that it lacks. */
async function requireEmpty(client: pg.Client, plan: RestorePlan, url: string): Promise<readonly string[]> {
  const { rows } = await client.query<State>(STATE, [ROLES]);
  const why = rows[0] && refusalOf(rows[0], plan.clusterId);
  if (why) throw new SetupError(`${databaseName(url)} ${why}`);
  return rows[0]?.missingRoles ?? [];
}

function refusalOf(state: State, clusterId: string): string | undefined {
  if (state.clusterId === clusterId)
    return `is in the cluster that was backed up (${clusterId}); name an empty database of another cluster`;
  if (state.isStandby) return 'is a standby, which takes no writes';
  if (state.major < POSTGRES_MAJOR)
    return `runs PostgreSQL ${state.major}; the ledger needs ${POSTGRES_MAJOR}`;
  if (state.relations > 0)
    return `is not empty: it has ${state.relations} tables, indexes, views and sequences`;
  if (state.sessions > 0) return `is in use: ${state.sessions} others are connected to it`;
  if (!state.mayCreateTables) return 'does not let its login create tables in the schema public';
  if (state.missingRoles.length > 0 && !state.mayCreateRoles)
    return `lacks the roles ${state.missingRoles.join(', ')}, and its login may not create them`;
  return undefined;
}

/**
 * A cluster numbers its transactions by itself, from a small number on, so what was written by the old cluster's would count
 * as being under way in the new one. Everything is settled and in the checkpoints (checkLedger has just reconciled), so the
 * transfers may carry a number below all of the new cluster's, whose first is 3 (FirstNormalTransactionId). Triggers that
 * keep transfers as they are do not fire here.
 */
const RENUMBER = [
  `SET session_replication_role = 'replica'`,
  'UPDATE transfers SET written_by = 0 WHERE written_by <> 0',
  'UPDATE reconciliations SET settled_below = 1 WHERE settled_below IS NOT NULL',
  'RESET session_replication_role',
];

/**
 * Restores into a folder, which is the caller's to remove, and copies the ledger from there. In the database there is all of
 * the ledger or nothing of it; roles that the cluster lacked are made before, and stay. Throws a SetupError where a step
 * fails, and where the restored books are wrong.
 */
export async function restoreIntoDatabase(options: RestoreOptions, url: string): Promise<RestoreReport> {
  const report = await restore(options);
  const [fault] = report.ledgers.flatMap(({ faults }) => faults);
  if (fault)
    throw new SetupError(`the restored books are wrong, and were not copied: ${JSON.stringify(fault)}`);
  const startedAt = performance.now();
  const ledger = await copyLedger(options, url);
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  return {
    ...report,
    into: databaseName(url),
    ledgers: [ledger],
    seconds: report.seconds + seconds,
    steps: [...report.steps, { name: 'copy the ledger', seconds }],
  };
}

async function copyLedger({ plan, tools, into }: RestoreOptions, url: string): Promise<LedgerCheck> {
  const { superuser = '', ledgers: [database = ''] = [] } = plan.chain.at(-1) ?? {};
  await using from = await startScratchPostgres({
    ...{ tools, superuser, cluster: into, walFolder: undefined, settings: {} },
    logFile: join(into, 'copy.log'),
  });
  await from.recovered(() => {});
  const source = await from.connect(database);
  try {
    await requireNothingArchived(source);
    for (const statement of RENUMBER) await source.query(statement);
    // pg_amcheck has installed it, and in the target only a superuser may.
    await source.query('DROP EXTENSION IF EXISTS amcheck');
  } finally {
    await source.end();
  }
  const target = await connect(url);
  try {
    // Once more: the restore may have taken hours.
    for (const role of await requireEmpty(target, plan, url)) await target.query(`CREATE ROLE ${role}`);
    await dumpAndRestore(tools, from, database, url);
    await target.query('ANALYZE');
    // Awaited here, because the connection ends with this block.
    return await checkLedger(target, target.database ?? '');
  } finally {
    await target.end();
  }
}

/** A month that is verified and not gone yet has its digest in both databases, and the digest covers the numbers. */
async function requireNothingArchived(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ months: number }>(
    'SELECT ((SELECT count(*) FROM archived_months) + (SELECT count(*) FROM verified_months))::int AS months',
  );
  if (rows[0]?.months)
    throw new SetupError(
      `the ledger has ${rows[0].months} months in an archive, which a copy would leave behind: restore into a folder`,
    );
}

async function dumpAndRestore(
  tools: PgTools,
  from: ScratchPostgres,
  database: string,
  url: string,
): Promise<void> {
  const { href, env } = withoutPassword(url);
  const dump = startProgram(tools.pathOf('pg_dump'), [
    ...from.connection,
    '--format=custom',
    '--compress=none',
    database,
  ]);
  const restore = startProgram(
    tools.pathOf('pg_restore'),
    ['--dbname', href, '--no-password', '--no-owner', '--single-transaction', '--exit-on-error'],
    env,
  );
  await pipeline(dump.child.stdout, restore.child.stdin).catch(() => {
    // The one that failed says why below.
  });
  const [restored, dumped] = await Promise.all([restore.ended, dump.ended]);
  for (const failure of [restored, dumped]) if (failure) throw new SetupError(failure);
}
