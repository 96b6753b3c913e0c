// The restore drill: an operator's wrong UPDATE and DROP TABLE under traffic, and the way back to the moment before.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import type { Connection } from '../../../clients/typescript/src/connection.ts';
import { takeBackup } from '../../recovery/base-backup.ts';
import { connect } from '../../recovery/cluster-facts.ts';
import { checkLedger } from '../../recovery/ledger-check.ts';
import { type RestoreReport, restore } from '../../recovery/restore.ts';
import { planRestore } from '../../recovery/restore-plan.ts';
import { openStorage, type Storage } from '../../recovery/storage.ts';
import { findPgTools, type PgTools } from '../parts/pg-tools.ts';
import { type DrillOptions, type DrillReport, Stopwatch } from './drill.ts';
import { countStale, judgePayments } from './ledger-verdict.ts';
import { type DrillNodes, startDrillNodes } from './nodes.ts';
import { findWallets, type Paid, type Payers, startPayers } from './payers.ts';

/** What a test sets otherwise, to see why something is needed. */
export interface RestoreDrillOptions extends DrillOptions {
  /** Restores without moving the epochs on, and lets servers take the restored Postgres for the run that they knew. */
  readonly keepsEpochs?: boolean;
}

/** How long traffic runs before the backup, and between it and the damage, in milliseconds: at least, and at most so much more. */
const TRAFFIC_MS = 1_500;
const TRAFFIC_MORE_MS = 2_000;
/** The last payments before the mistake are undone with it, because an operator aims a little too early. */
const AIMS_EARLY_MS = 300;
/** Payments of a few rounds: in each one the callers gain and lose differently (see startPayers). */
const MOVES_BALANCES = 30;
const AFTER_MS = 1_000;

const MISTAKES = [
  `UPDATE accounts SET balance = balance + 1, version = version + 1 WHERE owner_user_id = 1001`,
  'DROP TABLE transfers CASCADE',
];

/** Runs it. */
export async function restoreDrill(options: RestoreDrillOptions): Promise<DrillReport> {
  const { folder, seed, log } = options;
  const watch = new Stopwatch(log);
  const tools = await watch.step('find PostgreSQL’s tools', () => findPgTools(log));
  const identity = await generateIdentity();
  const recipients = [await identityToRecipient(identity)];
  const env = { BACKUP_URL: join(folder, 'backups'), BACKUP_RECIPIENTS: recipients.join(',') };
  await using nodes = await watch.step('start the nodes', () => startDrillNodes(options, { env }));
  const storage = openStorage(env.BACKUP_URL, env);
  const wallets = await findWallets(nodes.callers[0] as Connection);
  const payers = startPayers(nodes.callers, wallets);
  await sleep(trafficMs(seed, 1));
  await watch.step('back up', () =>
    takeBackup({
      ...{ storage, tools, recipients, mayBeIncremental: false, fullEveryMs: 0, maxRate: '' },
      databaseUrl: nodes.ownerUrl,
      keyEncryptionKeys: nodes.keyEncryptionKeys,
      onProgress: () => {},
    }),
  );
  await sleep(trafficMs(seed, 2));
  const running = { ...options, ...{ watch, nodes, wallets, payers, storage, tools, identity } };
  const mistake = await watch.step('the mistake', () => makeMistake(running));
  const damagedAt = performance.now();
  const done = await goBack(running, mistake);
  // Before the first payment, which would write the right balance over a wrong entry.
  const staleAtFirst = await watch.step('read every balance', () => staleAt(nodes, wallets));
  const backAt = Date.now();
  const first = payers.next();
  void payers.pause(false);
  // Awaited here, because the nodes end with this function.
  return await finish({ ...running, first, backAt, staleAtFirst, mistake, damagedAt, done });
}

interface RunningDrill extends RestoreDrillOptions {
  readonly watch: Stopwatch;
  readonly nodes: DrillNodes;
  readonly wallets: ReadonlyMap<bigint, string>;
  readonly payers: Payers;
  readonly storage: Storage;
  readonly tools: PgTools;
  /** The private key of the backups. */
  readonly identity: string;
}

/** Does what docs/recovery.md says: stop, plan, restore, and start again. The callers wait from here on. */
async function goBack(drill: RunningDrill, { to }: Mistake): Promise<RestoreReport> {
  const { watch, nodes, payers, storage, tools, identity, folder, keepsEpochs = false } = drill;
  await watch.step('stop the server and Postgres', async () => {
    await nodes.stopServer();
    await nodes.stopPostgres();
  });
  const into = join(folder, 'restored');
  const identities = [identity];
  const plan = await watch.step('plan', () =>
    planRestore({ storage, to, clusterId: '', timeline: undefined, identities, into }),
  );
  const done = await watch.step('restore', () =>
    restore({
      ...{ plan, storage, tools, identities, into, moveEpochs: !keepsEpochs },
      transactionLogs: [join(nodes.logDir, 'server', 'transactions.log')],
      onProgress: () => {},
    }),
  );
  void payers.pause(true);
  await watch.step('start Postgres and the server', async () => {
    nodes.replaceCluster(into);
    await nodes.startPostgres();
    if (keepsEpochs) await takeForTheOldRun(nodes.ownerUrl);
    await nodes.startServer();
  });
  return done;
}

/** Between half a second and some seconds, by the seed (Knuth's multiplicative hash). */
function trafficMs(seed: number, turn: number): number {
  return TRAFFIC_MS + ((Math.imul(seed + turn, 2_654_435_761) >>> 0) % TRAFFIC_MORE_MS);
}

interface Mistake {
  /** The moment to restore to, in microseconds since 1970, by the database's clock. */
  readonly to: number;
  /** The same moment by the callers' clock, in milliseconds since 1970. */
  readonly toByCallers: number;
}

async function makeMistake({ nodes, payers, wallets, keepsEpochs }: RunningDrill): Promise<Mistake> {
  const client = await connect(nodes.ownerUrl);
  try {
    // What was answered until here was committed before the moment.
    const toByCallers = Date.now();
    const { rows } = await client.query<{ now: string }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now`,
    );
    await sleep(AIMS_EARLY_MS);
    if (keepsEpochs) {
      await untilBalancesMoved(payers);
      // Payments that fail leave tombstones in the cache, which would hide the stale entries that a test is about.
      await payers.pause(true);
      await staleAt(nodes, wallets);
    }
    for (const mistake of MISTAKES) await client.query(mistake);
    return { to: Number(rows[0]?.now), toByCallers };
  } finally {
    await client.end();
  }
}

/** Until enough payments will be undone that the balances before and after them differ. */
async function untilBalancesMoved(payers: Payers): Promise<void> {
  for (const before = payers.paid.length; payers.paid.length < before + MOVES_BALANCES; ) await payers.next();
}

/** As if the restored Postgres were the one whose entries the cache holds. */
async function takeForTheOldRun(ownerUrl: string): Promise<void> {
  const client = await connect(ownerUrl);
  await client
    .query(
      `UPDATE cache_epochs SET postgres_started_at = pg_postmaster_start_time(), usable_from = clock_timestamp()`,
    )
    .finally(() => client.end());
}

interface Aftermath extends RunningDrill {
  readonly staleAtFirst: number;
  /** The first payment that is answered again. */
  readonly first: Promise<Paid>;
  /** When callers pay again, in milliseconds since 1970. */
  readonly backAt: number;
  readonly mistake: Mistake;
  readonly damagedAt: number;
  readonly done: RestoreReport;
}

async function finish(after: Aftermath): Promise<DrillReport> {
  const { watch, nodes, payers, mistake, damagedAt, done, seed } = after;
  await watch.step('the first payment', () => after.first);
  const rtoSeconds = Math.round(performance.now() - damagedAt) / 1000;
  await sleep(AFTER_MS);
  await watch.step('let the callers end', () => payers.stop());
  const client = await connect(nodes.ownerUrl);
  try {
    const { undone, doubled } = await judgePayments(client, payers.paid);
    // Answered before the moment of the restore, or after the servers were back.
    const lost = undone.filter(
      ({ answeredAt }) => answeredAt <= mistake.toByCallers || answeredAt >= after.backAt,
    );
    const lastUndone = Math.max(mistake.toByCallers, ...undone.map(({ answeredAt }) => answeredAt));
    const stale = after.staleAtFirst + (await staleAt(nodes, after.wallets));
    const books = await checkLedger(client, 'ppuri');
    return {
      drill: 'restore',
      seed,
      rtoSeconds,
      rpoSeconds: undone.length === 0 ? 0 : Math.max(0, lastUndone - mistake.toByCallers) / 1000,
      acknowledged: payers.paid.length,
      lost: lost.length,
      doubled,
      stale,
      booksOk: books.faults.length === 0 && done.ledgers.every(({ faults }) => faults.length === 0),
      steps: [...watch.steps, ...done.steps.map(({ name, seconds }) => ({ name: `  ${name}`, seconds }))],
    };
  } finally {
    await client.end();
  }
}

/** Over the connection to the server. */
function staleAt({ ownerUrl, callers }: DrillNodes, wallets: ReadonlyMap<bigint, string>): Promise<number> {
  return countStale(ownerUrl, callers[0] as Connection, wallets);
}
