// Holds what callers were shown against the ledger's own history.
import assert from 'node:assert/strict';
import type pg from 'pg';
import type { SeenBalance, TrafficRecord } from '../traffic.ts';

interface State {
  readonly transferId: string;
  readonly balance: bigint;
  /** When it was decided, in milliseconds since 1970, by the database's clock, which is this machine's. */
  readonly at: number;
}

/** The states that each user's wallet went through, in order, from the one that it had at a time. */
async function historiesOf(
  db: pg.Pool,
  users: readonly number[],
  since: Date,
): Promise<Map<number, State[]>> {
  const { rows } = await db.query<{ user_id: number; id: string; balance: string; at: string }>(
    `SELECT a.owner_user_id::int AS user_id, t.id, extract(epoch FROM t.created_at) * 1000 AS at,
       CASE WHEN t.debit_account_id = a.id THEN t.debit_balance_after ELSE t.credit_balance_after END AS balance
     FROM accounts a JOIN transfers t ON a.id IN (t.debit_account_id, t.credit_account_id)
     WHERE a.owner_user_id = ANY ($1) ORDER BY t.created_at, t.id`,
    [users],
  );
  const histories = new Map<number, State[]>(users.map((user) => [user, []]));
  for (const { user_id, id, balance, at } of rows) {
    const states = histories.get(user_id) ?? [];
    if (Number(at) < since.getTime()) states.length = 0;
    states.push({ transferId: id, balance: BigInt(balance), at: Number(at) });
  }
  return histories;
}

/** How many of the balances were wrong: older than what had been answered before they were asked for, or never so. */
export function wrongBalances(histories: Map<number, State[]>, seen: readonly SeenBalance[]): SeenBalance[] {
  const placesOf = new Map(
    [...histories].map(([user, states]) => [
      user,
      new Map(states.map(({ transferId }, index) => [transferId, index])),
    ]),
  );
  return seen.filter(({ user, balance, answeredAt, known }) => {
    const states = histories.get(user) ?? [];
    const places = placesOf.get(user);
    const oldest = Math.max(0, ...known.map((id) => places?.get(id) ?? 0));
    return !states.some(
      (state, index) => index >= oldest && state.at <= answeredAt && state.balance === balance,
    );
  });
}

/** Every payment that was answered is in the ledger, once; nothing else is; and no balance that was shown was wrong. */
export async function assertNothingLost(
  db: pg.Pool,
  users: readonly number[],
  startedAt: Date,
  { balances, paid, failed }: TrafficRecord,
): Promise<void> {
  assert.deepEqual([...new Set(failed)], []);
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM transfers WHERE kind = 'transfer' AND created_at >= $1`,
    [startedAt],
  );
  const posted = new Set(rows.map(({ id }) => id));
  const answered = new Set(paid.values());
  assert.equal(answered.size, paid.size, 'two payments were answered with one transfer');
  const [lost, unasked] = [answered.difference(posted), posted.difference(answered)];
  assert.deepEqual({ lost: [...lost], unasked: [...unasked] }, { lost: [], unasked: [] });
  assert.ok(balances.length > 20, 'hardly a balance was seen');
  assert.deepEqual(wrongBalances(await historiesOf(db, users, startedAt), balances), []);
}
