// What races are held against: the transfers in the order of the ledger itself, whatever callers were answered.
import assert from 'node:assert/strict';
import type pg from 'pg';

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

/** What went out of a hold's pot, in the order of the ledger, and whether that was before its time was over. */
export async function paidOut(
  db: pg.Pool,
  holdId: string,
): Promise<{ kind: string; amount: bigint; left: bigint; isLive: boolean }[]> {
  const { rows } = await db.query(
    `SELECT t.kind, t.amount, t.debit_balance_after AS left, t.created_at < h.expires_at AS is_live
     FROM transfers t JOIN holds h ON t.debit_account_id = h.pot_account_id WHERE h.id = $1 ORDER BY t.created_at, t.id`,
    [holdId],
  );
  return rows.map(({ kind, amount, left, is_live }) => ({
    ...{ kind, amount: BigInt(amount), left: BigInt(left), isLive: is_live },
  }));
}

/** A hold that has ended, as it shows itself, and what its callers were answered. */
export interface EndedHold {
  readonly id: string;
  readonly amount: bigint;
  readonly state: string;
  readonly capturedAmount: bigint;
  /** What was captured, by the answers. */
  readonly captures: readonly bigint[];
  /** What was refused, and how much it asked for; 0 for a void. */
  readonly refusals: readonly { readonly reason: string; readonly asked: bigint }[];
}

/** What was captured and given back is what was set aside, nothing was captured after the end, and what was refused did not fit. */
export async function assertEndedOnce(db: pg.Pool, hold: EndedHold): Promise<void> {
  assert.notEqual(hold.state, 'open');
  const out = await paidOut(db, hold.id);
  let left = hold.amount;
  for (const one of out) {
    left -= one.amount;
    assert.equal(one.left, left, 'each follows from the one before');
  }
  assert.equal(left, 0n);
  const captured = out.filter(({ kind }) => kind === 'capture');
  assert.ok(
    captured.every(({ isLive }) => isLive),
    'nothing was captured after its time',
  );
  assert.equal(sum(captured.map(({ amount }) => amount)), hold.capturedAmount);
  assert.equal(sum(hold.captures), hold.capturedAmount, 'what was answered is what was captured');
  // What is left goes back once, at its end, and at its expiry no sooner than its time is over.
  const givenBack = out.slice(captured.length);
  assert.ok(givenBack.length <= 1 && givenBack.every(({ kind }) => kind === 'void'));
  if (hold.state === 'expired') assert.equal(givenBack[0]?.isLive, false);
  for (const { reason, asked } of hold.refusals) {
    // It did not fit when no more than this was left, so it fitted at no time.
    if (reason === 'HOLD_AMOUNT_EXCEEDED') assert.ok(asked > (givenBack[0]?.amount ?? 0n));
    else assert.equal(reason, `HOLD_${hold.state.toUpperCase()}`);
  }
}

/** How much of a transfer was refunded, by its refunds, and as the ledger keeps it. */
export async function refundsOf(db: pg.Pool, id: string): Promise<{ sum: number; kept: number }> {
  const { rows } = await db.query(
    `SELECT coalesce(sum(t.amount), 0)::int AS sum, coalesce(max(r.refunded_amount), 0)::int AS kept
     FROM refunds f JOIN transfers t ON t.id = f.refund_id JOIN refunded_transfers r ON r.transfer_id = f.transfer_id
     WHERE f.transfer_id = $1`,
    [id],
  );
  return rows[0];
}

/** A transfer, and the amounts that were refunded of it and that were refused, by the answers. */
export interface RefundedTransfer {
  readonly id: string;
  readonly amount: number;
  readonly answered: readonly number[];
  readonly refused: readonly number[];
}

/** The refunds are at most the transfer, and what was refused did not fit. Returns how much of it is left. */
export async function assertRefundsFit(
  db: pg.Pool,
  { id, amount, answered, refused }: RefundedTransfer,
): Promise<number> {
  const refunded = answered.reduce((total, one) => total + one, 0);
  assert.ok(refunded <= amount);
  // What was refused did not fit at the end, so it fitted at no time after it came.
  assert.ok(refused.length > 0 && refused.every((one) => one > amount - refunded));
  assert.deepEqual(await refundsOf(db, id), { sum: refunded, kept: refunded });
  return amount - refunded;
}

/** What a user held after each transfer, in the order of the ledger. */
export async function heldInOrder(db: pg.Pool, user: number): Promise<bigint[]> {
  const { rows } = await db.query<{ held: string }>(
    `SELECT sum(CASE WHEN t.credit_account_id = a.id THEN t.amount ELSE -t.amount END) OVER (ORDER BY t.created_at, t.id) AS held
     FROM accounts a JOIN transfers t ON a.id IN (t.debit_account_id, t.credit_account_id)
     WHERE a.owner_user_id = $1 ORDER BY t.created_at, t.id`,
    [user],
  );
  return rows.map(({ held }) => BigInt(held));
}

/** Why a receiver at its holding limit is paid no more: by its own calls, and by those of others. */
const AT_ITS_LIMIT = ['HOLDING_LIMIT_REACHED', 'RECEIVER_LIMIT_REACHED'];

/** A receiver who may hold at most so much, and how much each refused call would have brought. */
export interface LimitedReceiver {
  readonly user: number;
  readonly most: number;
  readonly calls: number;
  readonly refused: readonly { readonly amount: number; readonly reason: string }[];
}

/** The receiver never held more than it may, and each call was made, or did not fit. Returns how much more it may hold. */
export async function assertHeldAtMost(
  db: pg.Pool,
  { user, most, calls, refused }: LimitedReceiver,
): Promise<number> {
  const held = await heldInOrder(db, user);
  assert.equal(held.length + refused.length, calls);
  assert.deepEqual(
    held.filter((amount) => amount > most),
    [],
    'it held more than it may',
  );
  const last = held.at(-1) ?? 0n;
  assert.deepEqual(
    refused.filter(({ amount }) => last + BigInt(amount) <= most),
    [],
    'these would have fitted',
  );
  assert.deepEqual([...new Set(refused.map(({ reason }) => reason))].sort(), AT_ITS_LIMIT);
  return most - Number(last);
}
