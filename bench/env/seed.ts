// Fills a database with wallets and their history, in plain SQL as its owner: a million wallets in a minute.
import type { Database } from './database.ts';

/** A wallet to move money from or to. */
export interface Wallet {
  readonly id: string;
  readonly userId: number;
}

/** The balance of each wallet after its deposits, in won: enough for a day of transfers of one won. */
const WALLET_BALANCE = 100_000_000;
/** Wallets created by one statement. */
const CHUNK = 250_000;

/** The wallets to create. */
export interface SeedPlan {
  /** The id of the first user; the others have the ids after it. */
  readonly firstUser: number;
  readonly wallets: number;
  /** Deposits into each wallet; with 0 it is empty. */
  readonly deposits: number;
}

/** Creates users, their wallets and the deposits that filled them, so that the books balance. */
export async function seedWallets(
  database: Database,
  { firstUser, wallets, deposits }: SeedPlan,
): Promise<void> {
  const amount = deposits === 0 ? 0 : Math.floor(WALLET_BALANCE / deposits);
  for (let done = 0; done < wallets; done += CHUNK) {
    const from = firstUser + done;
    const to = firstUser + Math.min(done + CHUNK, wallets) - 1;
    await database.run(`
      BEGIN;
      INSERT INTO users (id, display_name) SELECT id, 'User ' || id FROM generate_series(${from}, ${to}) AS id;
      INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, balance, version, created_at, updated_at)
        SELECT gen_random_uuid(), 'wallet', 'KRW', id, true, ${amount * deposits}, ${deposits}, now(), now()
        FROM generate_series(${from}, ${to}) AS id;
      COMMIT`);
    if (deposits > 0) await deposit(database, from, to, deposits, amount);
  }
}

/** Writes the deposits into the wallets of these users, whose balances are already set. */
async function deposit(
  database: Database,
  fromUser: number,
  toUser: number,
  deposits: number,
  amount: number,
): Promise<void> {
  await database.run(`
    BEGIN;
    SELECT ensure_transfer_partitions(0);
    WITH source AS (
        SELECT id, balance FROM accounts WHERE kind = 'external' AND currency = 'KRW' ORDER BY stripe LIMIT 1),
      made AS (
        INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
          debit_balance_after, credit_balance_after)
        SELECT uuidv7(), now(), 'deposit', 'KRW', ${amount}, source.id, wallet.id,
          source.balance - ${amount} * (row_number() OVER (ORDER BY n, wallet.owner_user_id)), ${amount} * n
        FROM source, accounts wallet, generate_series(1, ${deposits}) AS n
        WHERE wallet.kind = 'wallet' AND wallet.owner_user_id BETWEEN ${fromUser} AND ${toUser}
        RETURNING 1)
    UPDATE accounts SET balance = accounts.balance - ${amount} * (SELECT count(*) FROM made),
      version = version + (SELECT count(*) FROM made)
    FROM source WHERE accounts.id = source.id;
    COMMIT`);
}

/** The wallets of users with consecutive ids. */
export async function walletsOf(database: Database, firstUser: number, count: number): Promise<Wallet[]> {
  const rows = await database.rows<{ id: string; user: string }>(
    `SELECT id, owner_user_id AS user FROM accounts
     WHERE kind = 'wallet' AND owner_user_id BETWEEN $1 AND $2 ORDER BY owner_user_id`,
    [firstUser, firstUser + count - 1],
  );
  return rows.map(({ id, user }) => ({ id, userId: Number(user) }));
}

/** Creates a room of users with consecutive ids, owned by the first. */
export async function seedRoom(
  database: Database,
  room: string,
  firstUser: number,
  count: number,
): Promise<void> {
  await database.rows('INSERT INTO rooms (id, display_name, owner_user_id) VALUES ($1, $1, $2)', [
    room,
    firstUser,
  ]);
  await database.rows(
    'INSERT INTO room_members (room_id, user_id) SELECT $1, id FROM generate_series($2::bigint, $3::bigint) AS id',
    [room, firstUser, firstUser + count - 1],
  );
}

/** Updates the planner's statistics and the visibility map, which autovacuum has not done yet after seeding. */
export function vacuumAnalyze(database: Database): Promise<void> {
  return database.run('VACUUM ANALYZE');
}
