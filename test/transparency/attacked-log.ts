// A log of a few transfers, and what a superuser does to it behind the program's back, with every trigger switched off.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { transferId } from '../../src/domain/transfer.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { hashLeaf } from '../../src/transparency/index.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { type KeptLog, keepLog } from './kept-log.ts';

const WALLETS = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
  '33333333-3333-4333-8333-333333333333',
] as const;
/** Leaves of the first checkpoint, and of the second. */
export const SIZES = [8, 14] as const;

/** A log of 14 leaves in two segments, with a checkpoint for each, saved in a folder. */
export interface AttackedLog {
  readonly database: TestDatabase;
  readonly owner: pg.Pool;
  readonly log: KeptLog;
  /** Has the saved checkpoints and leaves. */
  readonly folder: string;
  /** Does something as a superuser, calls `read` with the connection that sees it, and takes it back. */
  attacked<T>(attack: Attack, read: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  /** Posts transfers, which are not sealed yet. */
  addTransfers(count: number): Promise<void>;
  /** Runs a statement with all triggers off. */
  asSuperuser(statement: string): Promise<void>;
  stop(): Promise<void>;
}

/** An attack, and the first leaf that it makes bad. */
export interface Attack {
  readonly name: string;
  readonly statements: (ids: readonly string[]) => readonly string[];
  readonly leaf: number;
  /** The same for those who have saved nothing; undefined where they see nothing. */
  readonly withoutFiles: number | undefined;
}

/** Stores another hash of a leaf in the only tile that there is. */
export const storeHash = (leaf: number, hash: Uint8Array) =>
  `UPDATE transparency_tiles SET hashes =
     overlay(hashes PLACING '\\x${Buffer.from(hash).toString('hex')}' FROM 32 * ${leaf} + 1)`;
const FORGET = (size: number) => [
  `UPDATE transparency_tiles SET hashes = substring(hashes FOR 32 * ${size}), salts = substring(salts FOR 32 * ${size})`,
  `UPDATE transparency_log SET size = ${size}`,
  `DELETE FROM transparency_checkpoints WHERE size > ${size}`,
  `DELETE FROM feed_segments WHERE first_leaf >= ${size}`,
];

/** What is done to the log. */
export const ATTACKS: readonly Attack[] = [
  {
    name: 'an amount is changed',
    statements: (ids) => [`UPDATE transfers SET amount = amount + 1 WHERE id = '${ids[5]}'`],
    ...{ leaf: 5, withoutFiles: 5 },
  },
  {
    name: 'a row is deleted',
    statements: (ids) => [`DELETE FROM transfers WHERE id = '${ids[7]}'`],
    ...{ leaf: 7, withoutFiles: 7 },
  },
  {
    name: 'two transfers swap their amounts',
    statements: (ids) => [
      `UPDATE transfers SET amount = CASE id WHEN '${ids[3]}' THEN 1009 ELSE 1003 END WHERE id IN ('${ids[3]}', '${ids[9]}')`,
    ],
    ...{ leaf: 3, withoutFiles: 3 },
  },
  {
    name: 'two transfers swap their places',
    statements: (ids) => [
      `UPDATE feed_segments SET ids[3] = '${ids[6]}', ids[7] = '${ids[2]}' WHERE first_leaf = 0`,
    ],
    ...{ leaf: 2, withoutFiles: 2 },
  },
  {
    name: 'a wallet gets another owner',
    statements: () => [`UPDATE accounts SET owner_user_id = 6703 WHERE id = '${WALLETS[0]}'`],
    ...{ leaf: 0, withoutFiles: 0 },
  },
  {
    name: 'the log has the hash of another leaf',
    statements: () => [storeHash(9, hashLeaf('another leaf'))],
    ...{ leaf: 9, withoutFiles: 9 },
  },
  {
    name: 'an old backup is restored',
    statements: (ids) => [
      `DELETE FROM transfers WHERE id IN (${ids
        .slice(8)
        .map((id) => `'${id}'`)
        .join()})`,
      ...FORGET(8),
    ],
    ...{ leaf: 8, withoutFiles: undefined },
  },
];

/** Makes it. */
export async function makeAttackedLog(): Promise<AttackedLog> {
  const database = await makeDatabase();
  const owner = ownerPool(database);
  const app = createTestPool(database.appUrl);
  await app.query('SELECT open_transfer_months(1)');
  await app.end();
  const log = keepLog(database);
  const folder = join(mkdtempSync(join(tmpdir(), 'ppuri-log-')), 'checkpoints');
  const ids: string[] = [];
  await asSuperuser(owner, async (client) => {
    for (const [index, id] of WALLETS.entries()) {
      const user = 6701 + index;
      await client.query(`INSERT INTO users (id, display_name) VALUES (${user}, 'x')`);
      await client.query(`INSERT INTO accounts (id, kind, currency, owner_user_id, created_at, updated_at)
        VALUES ('${id}', 'wallet', 'KRW', ${user}, now(), now())`);
    }
  });
  for (const size of SIZES) {
    await asSuperuser(owner, async (client) => {
      while (ids.length < size) ids.push(await insertTransfer(client, ids.length));
    });
    await log.keep();
    await log.save(folder);
  }
  return {
    ...{ database, owner, log, folder },
    addTransfers: (count) => asSuperuser(owner, (client) => insertMany(client, count)),
    asSuperuser: (statement) =>
      asSuperuser(owner, async (client) => {
        await client.query(statement);
      }),
    attacked: async (attack, read) => {
      const client = await owner.connect();
      try {
        await client.query('BEGIN; SET LOCAL session_replication_role = replica');
        for (const statement of attack.statements(ids)) await client.query(statement);
        return await read(client);
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
    },
    stop: async () => {
      rmSync(join(folder, '..'), { recursive: true });
      await Promise.all([log.stop(), owner.end()]);
      await database.drop();
    },
  };
}

/** Runs statements in a transaction in which no trigger and no foreign key is in the way. */
async function asSuperuser(owner: pg.Pool, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await owner.connect();
  try {
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await work(client);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

/** The n-th transfer moves 1000 + n won. */
async function insertTransfer(client: pg.PoolClient, n: number): Promise<string> {
  const at = Date.now() * 1000;
  const id = transferId(at, n, cryptoRandom);
  await client.query(
    `INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
       debit_balance_after, credit_balance_after)
     VALUES ($1, to_timestamp($2::numeric / 1000000), 'transfer', 'KRW', $3, $4, $5, 0, 0)`,
    [id, at, 1000 + n, WALLETS[n % 2], WALLETS[(n + 1) % 2]],
  );
  return id;
}

/** Many at once, whose ids and moments Postgres makes. */
async function insertMany(client: pg.PoolClient, count: number): Promise<void> {
  await client.query(
    `INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
       debit_balance_after, credit_balance_after)
     SELECT uuidv7(), clock_timestamp(), 'transfer', 'KRW', n, $1, $2, 0, 0 FROM generate_series(1, $3::integer) AS n`,
    [WALLETS[0], WALLETS[1], count],
  );
}
