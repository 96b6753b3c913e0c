// What the ledger writes and what is read most is planned once a connection, alone and in batches, and so is what functions do:
// counted by the pg_stat_statements of a Postgres of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { LEDGER_SETTINGS, READ_SETTINGS } from '../../src/db/pool.ts';
import { findDefaultWallet, listTransfers } from '../../src/db/reads/index.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { type OwnPostgres, startOwnPostgres } from '../db/own-postgres.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const [ANNA, BO] = [8901, 8902];
const CALLS = 20;
const BATCH = 30;

let postgres: OwnPostgres;
let owner: pg.Pool;
before(async () => {
  postgres = await startOwnPostgres({
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.track': 'all',
    'pg_stat_statements.track_planning': 'on',
    // A table that is analyzed has its plans made again, once a connection; here nothing is to come between.
    autovacuum: 'off',
  });
  owner = new pg.Pool({ connectionString: postgres.ownerUrl, max: 1 });
  await owner.query('CREATE EXTENSION pg_stat_statements');
  await owner.query(`INSERT INTO users (id, display_name) VALUES ($1, 'Anna'), ($2, 'Bo')`, [ANNA, BO]);
  await owner.query(
    `INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, created_at)
     SELECT gen_random_uuid(), 'wallet', 'KRW', id, true, now() FROM users`,
  );
  await fundDirectly(postgres, [ANNA], 1_000_000);
});
after(async () => {
  await owner?.end();
  await postgres?.stop();
});

interface Counted {
  readonly query: string;
  readonly calls: number;
  readonly plans: number;
}

/** What was planned while one connection with these settings was used as before, for the second time. */
async function plannedWith(
  settings: Record<string, string>,
  use: (pool: pg.Pool) => Promise<void>,
): Promise<Counted[]> {
  const pool = createTestPool(postgres.appUrl, { maxConnections: 1, settings });
  try {
    await use(pool);
    await owner.query('SELECT pg_stat_statements_reset()');
    await use(pool);
    // What functions of the owner do counts as the owner's.
    const { rows } = await owner.query<Counted>(
      `SELECT query, calls::int, plans::int FROM pg_stat_statements
       WHERE query ~ '\\m(accounts|idempotency_keys|transfers)\\M' AND query !~ 'pg_stat_statements'`,
    );
    return rows;
  } finally {
    await pool.end();
  }
}

/** Makes transfers, alone and in batches. */
async function pay(pool: pg.Pool): Promise<void> {
  const ledger = createTestLedger(pool);
  const payOnce = () =>
    ledger.execute(
      createTransfer,
      { userId: BigInt(ANNA), from: walletOf(ANNA), to: walletOf(BO), money: krw(1), memo: '' },
      { userId: BigInt(ANNA), key: crypto.randomUUID(), fingerprint: '00' },
      systemCall('test'),
    );
  for (let call = 0; call < CALLS; call++) await payOnce();
  await Promise.all(Array.from({ length: BATCH }, payOnce));
  await ledger[Symbol.asyncDispose]();
}

/** Reads the first page of Anna's history, many times. */
async function readHistories(pool: pg.Pool): Promise<void> {
  const anna = await findDefaultWallet(pool, BigInt(ANNA));
  assert.ok(anna);
  for (let call = 0; call < CALLS; call++)
    await listTransfers(pool, anna, { from: undefined, before: undefined }, undefined, 20);
}

const used = ({ calls }: Counted) => calls > CALLS / 2;

test('no statement of the ledger is planned again', async () => {
  const counted = await plannedWith(LEDGER_SETTINGS, pay);
  assert.ok(counted.filter(used).length >= 5, JSON.stringify(counted, null, 1));
  assert.deepEqual(
    counted.filter(({ plans }) => plans > 0),
    [],
  );
});

test('no page of a history is planned again', async () => {
  const counted = await plannedWith(READ_SETTINGS, readHistories);
  assert.deepEqual(
    counted.filter(used).map(({ plans }) => plans),
    [0],
  );
});

test('negative control: with plans for each set of values they are', async () => {
  const custom = { plan_cache_mode: 'force_custom_plan' };
  const counted = [
    ...(await plannedWith({ ...LEDGER_SETTINGS, ...custom }, pay)),
    ...(await plannedWith({ ...READ_SETTINGS, ...custom }, readHistories)),
  ];
  assert.ok(
    counted.filter((one) => used(one) && one.plans >= one.calls).length >= 4,
    JSON.stringify(counted),
  );
});
