// What the ledger says of what callers were told: which payments it has, and which balances.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Connection } from '../../../clients/typescript/src/connection.ts';
import { DEMO_USERS } from '../../cli/dev-info.ts';
import { connect } from '../../recovery/cluster-facts.ts';
import { type Paid, showBalance } from './payers.ts';

const ANSWERED_WITHIN_MS = 20_000;
const AGAIN_MS = 50;

/** How payments that were answered stand in the ledger. */
export interface PaymentsVerdict {
  /** Answered with OK, and not in the ledger. */
  readonly undone: readonly Paid[];
  /** Payments that were made more than once. */
  readonly doubled: number;
}

/** Looks up every payment. The memo of each is its idempotency key. */
export async function judgePayments(ledger: pg.Client, paid: readonly Paid[]): Promise<PaymentsVerdict> {
  const memos = await ledger.query<{ memo: string; count: number }>(
    `SELECT memo, count(*)::int AS count FROM transfers WHERE kind = 'transfer' GROUP BY memo`,
  );
  const made = new Map(memos.rows.map(({ memo, count }) => [memo, count]));
  return {
    undone: paid.filter(({ key }) => !made.has(key)),
    doubled: [...made.values()].filter((count) => count > 1).length,
  };
}

/** How many callers are shown a balance that the ledger does not have, over this connection. Nobody pays meanwhile. */
export async function countStale(
  ownerUrl: string,
  caller: Connection,
  wallets: ReadonlyMap<bigint, string>,
): Promise<number> {
  const ledger = await connect(ownerUrl);
  try {
    let stale = 0;
    for (const user of DEMO_USERS) {
      const { walletId, minorUnits } = await onceAnswered(() => showBalance(caller, user, wallets));
      const { rows } = await ledger.query<{ balance: string }>(
        'SELECT balance::text FROM accounts WHERE id = $1',
        [walletId],
      );
      if (rows[0]?.balance !== minorUnits) stale += 1;
    }
    return stale;
  } finally {
    await ledger.end();
  }
}

/** A connection may need a moment to find a server that was away. */
async function onceAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (const giveUpAt = Date.now() + ANSWERED_WITHIN_MS; ; await sleep(AGAIN_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
    }
  }
}
