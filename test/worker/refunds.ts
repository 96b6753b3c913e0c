// What must hold of refunds once all sprinkles are over, whatever happened on the way.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { assertBooksBalance } from '../stack.ts';

/** Waits until no pot holds money any more; fails after so long. */
export async function untilAllRefunded(db: pg.Pool, withinMs: number): Promise<void> {
  for (const end = Date.now() + withinMs; ; await sleep(50)) {
    const { rows } = await db.query(
      `SELECT count(*)::int AS left FROM accounts WHERE kind = 'sprinkle' AND balance > 0`,
    );
    if (rows[0]?.left === 0) return;
    assert.ok(Date.now() < end, `${rows[0]?.left} sprinkles were not paid back in time`);
  }
}

/** Waits until the outbox is empty; fails after so long. */
export async function untilOutboxIsEmpty(db: pg.Pool, withinMs: number): Promise<void> {
  for (const end = Date.now() + withinMs; ; await sleep(50)) {
    const { rows } = await db.query('SELECT job, count(*)::int AS left FROM outbox GROUP BY job');
    if (rows.length === 0) return;
    assert.ok(Date.now() < end, `the outbox still holds ${JSON.stringify(rows)}`);
  }
}

/** Every sprinkle was paid back exactly once, what was left of it and not a won else, and the books balance. */
export async function assertRefundedOnce(db: pg.Pool, sprinkles: number): Promise<void> {
  const { rows } = await db.query(`
    WITH claimed AS (SELECT sprinkle_id AS id, sum(amount) AS amount FROM sprinkle_claims GROUP BY 1),
      refunded AS (SELECT debit_account_id, credit_account_id, count(*) AS times, sum(amount) AS amount
        FROM transfers WHERE kind = 'refund' GROUP BY 1, 2)
    SELECT count(*)::int AS sprinkles,
      count(*) FILTER (WHERE r.times = 1 AND r.amount = s.amount - coalesce(c.amount, 0))::int AS right_ones
    FROM sprinkles s LEFT JOIN claimed c USING (id)
    LEFT JOIN refunded r ON r.debit_account_id = s.pot_account_id AND r.credit_account_id = s.source_account_id`);
  assert.deepEqual(rows, [{ sprinkles, right_ones: sprinkles }]);
  const keys = await db.query(`SELECT count(*)::int AS count FROM idempotency_keys WHERE user_id = 0`);
  assert.equal(keys.rows[0]?.count, sprinkles);
  await assertBooksBalance(db);
}
