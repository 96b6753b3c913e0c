// Makes payouts with many lines straight through the ledger, and says what became of their lines.
import type pg from 'pg';
import { withDraft } from '../../src/db/payouts/append-lines.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { type Payout, validateLines } from '../../src/domain/payout.ts';
import { createPayout } from '../../src/usecases/commands/create-payout.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { startPayoutCommand } from '../../src/usecases/commands/start-payout.ts';
import type { TestDatabase } from '../stack.ts';
import { createTestLedger, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

/** Who pays; who gets it are the users after. */
export const PAYER = 9000;
const CHUNK = 1000;

/** A ledger to make payouts in. */
export interface PayoutLedger {
  /** Starts a payout of so many lines of 1 won and more, each to one of so many users and with a memo that is its number. */
  start(lines: number, payees: number): Promise<Payout>;
  close(): Promise<void>;
}

/** Opens a test's database for making payouts; it has so many users after the payer, and the payer has enough money. */
export async function openPayoutLedger(
  database: TestDatabase,
  db: pg.Pool,
  users: number,
): Promise<PayoutLedger> {
  await makeUsers(db, users);
  const pool = createTestPool(database.appUrl, { maxConnections: 3, statementTimeoutMs: 60_000 });
  await pool.query('SELECT open_transfer_months(1)');
  const { execute } = createTestLedger(pool, { maxBatch: 1000 });
  const userId = BigInt(PAYER);
  const wallet = walletOf(PAYER);
  const key = () => ({ userId, key: crypto.randomUUID(), fingerprint: '00' });
  const money = krw(10n ** 12n);
  await execute(deposit, { userId, wallet, money, memo: '' }, key(), systemCall('fund'));
  const lineOf = (line: number, payees: number) => ({
    to: { userId: userId + 1n + BigInt(line % payees) },
    currency: 'KRW',
    amount: BigInt(1 + (line % 7)),
    key: `line-${line}`,
    memo: String(line),
  });
  return {
    start: async (count, payees) => {
      const wish = { userId, wallet, mode: 'each', memo: '' } as const;
      const payout = await execute(createPayout, wish, key(), systemCall('create'));
      for (let first = 1; first <= count; first += CHUNK) {
        const length = Math.min(CHUNK, count - first + 1);
        const lines = Array.from({ length }, (_, index) => lineOf(first + index, payees));
        await withDraft(pool, userId, payout.id, async (draft) =>
          draft.append(validateLines(payout, first, lines, await draft.load(lines))),
        );
      }
      return execute(startPayoutCommand, { payout, lineCount: count }, key(), systemCall('start'));
    },
    close: () => pool.end(),
  };
}

/** Users with their default wallets, many at once; those that are there stay. */
async function makeUsers(db: pg.Pool, users: number): Promise<void> {
  await db.query(
    `INSERT INTO users (id, display_name) SELECT id, 'User ' || id FROM generate_series($1::bigint, $1 + $2::int) AS id
     ON CONFLICT DO NOTHING`,
    [PAYER, users],
  );
  await db.query(
    `INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, created_at, updated_at)
     SELECT gen_random_uuid(), 'wallet', 'KRW', id, true, now(), now() FROM generate_series($1::bigint, $1 + $2::int) AS id
     ON CONFLICT DO NOTHING`,
    [PAYER, users],
  );
}

/** How many lines were paid once, more often, and not at all, by the numbers in their memos. */
export async function linesPaid(
  db: pg.Pool,
  lines: number,
): Promise<{ once: number; doubled: number; never: number }> {
  const { rows } = await db.query(
    `SELECT count(*) FILTER (WHERE times = 1)::int AS once, count(*) FILTER (WHERE times > 1)::int AS doubled,
       count(*) FILTER (WHERE times = 0)::int AS never
     FROM (SELECT line, count(t.id) AS times FROM generate_series(1, $1::int) AS line
           LEFT JOIN transfers t ON t.memo = line::text AND t.kind = 'payout_line' GROUP BY line) AS paid`,
    [lines],
  );
  return rows[0];
}
