// Calls that make the ledger send every statement it has, and Postgres run every function and trigger behind them.
import assert from 'node:assert/strict';
import { LEDGER_SETTINGS } from '../../src/db/pool.ts';
import { refundJobs } from '../../src/worker/jobs/refunds.ts';
import { runPayout } from '../../src/worker/jobs/run-payout.ts';
import { actingAs, withKey, won } from '../api.ts';
import type { Answer, Json } from '../api-client.ts';
import type { Stack } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const labels = [{ key: 'shop', value: 'book' }];

/** Makes a call of wallet.v2 for a user; it must be answered. */
type Call = (user: number, rpc: string, request: Json, key?: string) => Promise<Answer>;

/** Three users, the first of whom has money, and a room with all of them. */
interface People {
  readonly stack: Stack;
  readonly anna: number;
  readonly bo: number;
  readonly cho: number;
  readonly room: string;
  /** Anna's. */
  readonly wallet: string;
  readonly call: Call;
}

/** Makes them all, by users of its own, from `first` on. */
export async function makeEveryStatement(stack: Stack, first: number): Promise<void> {
  const [anna, bo, cho, room] = [first, first + 1, first + 2, `every-${first}`];
  await stack.addUsers([anna, bo, cho]);
  await stack.addRoom(room, [anna, bo, cho]);
  const call: Call = async (user, rpc, request, key) => {
    const answer = await stack.grpc.call(`wallet.v2.${rpc}`, request, withKey(user, key));
    assert.equal(answer.status, 0, `${rpc}: ${answer.reason}`);
    return answer;
  };
  const people = { stack, anna, bo, cho, room, wallet: await stack.as(anna).defaultWallet(), call };
  await withdrawTwice(people);
  await payAndRefund(people);
  await setAside(people);
  await sprinkle(people);
  await payOut(people);
  await changeWallets(people);
}

/** The refusal leaves a mark, and the answer takes its place. */
async function withdrawTwice({ stack, anna, wallet, call }: People): Promise<void> {
  const key = crypto.randomUUID();
  const draw = { wallet_id: wallet, amount: won(5) };
  const refused = await stack.grpc.call('wallet.v2.TransferService/Withdraw', draw, withKey(anna, key));
  assert.equal(refused.reason, 'BALANCE_TOO_LOW');
  await call(anna, 'TransferService/Deposit', { wallet_id: wallet, amount: won(10_000) });
  // The next attempt is later than the mark by both, its second and its moment.
  await stack.db.query(
    `UPDATE idempotency_keys SET signed_at = signed_at - 10, created_at = created_at - interval '10 s' WHERE key = $1`,
    [key],
  );
  await call(anna, 'TransferService/Withdraw', draw, key);
}

async function payAndRefund({ stack, anna, bo, cho, wallet, call }: People): Promise<void> {
  const pay = (amount: number, to = bo): Json => ({
    debit_wallet_id: wallet,
    credit_user_id: String(to),
    amount: won(amount),
    reference: crypto.randomUUID(),
    labels,
  });
  const operate = async (rpc: string, request: Json) => {
    const answer = await stack.grpc.call(`admin.v1.AccountService/${rpc}`, request, withKey(anna));
    assert.equal(answer.status, 0, `${rpc}: ${answer.reason}`);
  };
  const paid = await call(anna, 'TransferService/CreateTransfer', pay(100));
  const transfer_id = String(paid.at('transfer', 'transfer_id'));
  await call(bo, 'TransferService/RefundTransfer', { transfer_id, amount: won(10) });
  const items = [1, 2, 3].map((amount) => pay(amount, amount === 3 ? cho : bo));
  await call(anna, 'TransferService/BatchCreateTransfers', { items, mode: 'BATCH_MODE_EACH' });
  const forCase = { user_id: String(bo), case_id: 'C-1', reason: 'a test' };
  await operate('Freeze', { ...forCase, direction: 'FREEZE_DIRECTION_OUT' });
  await call(anna, 'TransferService/CreateTransfer', pay(1));
  await operate('ReverseTransfer', { transfer_id, reason: 'a test' });
  await operate('Unfreeze', forCase);
}

async function setAside({ anna, bo, wallet, call }: People): Promise<void> {
  const hold = async () => {
    const request = {
      wallet_id: wallet,
      amount: won(50),
      credit_user_id: String(bo),
      reference: crypto.randomUUID(),
    };
    return String((await call(anna, 'HoldService/CreateHold', request)).at('hold', 'hold_id'));
  };
  const hold_id = await hold();
  await call(bo, 'HoldService/CaptureHold', { hold_id, amount: won(20), final: false });
  await call(bo, 'HoldService/CaptureHold', { hold_id, final: true });
  await call(bo, 'HoldService/VoidHold', { hold_id: await hold() });
}

/**
 * One is claimed by both others, one that a release without seeds made by one of them, one is cancelled, and the time of another is
 * over before anybody claims it.
 */
async function sprinkle({ stack, anna, bo, cho, room, wallet, call }: People): Promise<void> {
  const create = () =>
    call(anna, 'SprinkleService/CreateSprinkle', {
      room_id: room,
      wallet_id: wallet,
      amount: won(9),
      headcount: 2,
    });
  const token = String((await create()).at('sprinkle', 'token'));
  for (const user of [bo, cho]) await call(user, 'SprinkleService/ClaimSprinkle', { room_id: room, token });
  const old = await create();
  await stack.db.query(
    `UPDATE sprinkles SET sealed_seed = NULL, commitment = NULL, draw_chain = NULL, share_mode = NULL, share_floor = NULL,
       share_ceiling = NULL WHERE id = $1`,
    [old.at('sprinkle', 'sprinkle_id')],
  );
  await call(bo, 'SprinkleService/ClaimSprinkle', {
    room_id: room,
    token: String(old.at('sprinkle', 'token')),
  });
  const mistaken = String((await create()).at('sprinkle', 'sprinkle_id'));
  await call(anna, 'SprinkleService/CancelSprinkle', { room_id: room, sprinkle_id: mistaken });
  const id = (await create()).at('sprinkle', 'sprinkle_id');
  await stack.db.query('UPDATE sprinkles SET expires_at = created_at WHERE id = $1', [id]);
  await asWorker(stack, async (pool, execute) => {
    const jobs = refundJobs({ pool, execute, observer: { refunded: () => {} } });
    await jobs['expire-sprinkles'].run({}, new AbortController().signal);
  });
}

async function changeWallets({ anna, wallet, call }: People): Promise<void> {
  const second = await call(anna, 'WalletService/CreateWallet', {
    currency_code: 'KRW',
    display_name: 'Second',
    reference: crypto.randomUUID(),
    labels,
  });
  const wallet_id = String(second.at('wallet', 'wallet_id'));
  await call(anna, 'WalletService/UpdateWallet', { wallet_id, display_name: 'Other', is_default: true });
  await call(anna, 'WalletService/UpdateWallet', { wallet_id: wallet, is_default: true });
  await call(anna, 'WalletService/CloseWallet', { wallet_id });
}

/** Pays a payout of two lines, of which the second one fails because its receiver cannot have the money. */
async function payOut({ stack, anna, bo, cho, wallet, call }: People): Promise<void> {
  const made = await call(anna, 'PayoutService/CreatePayout', {
    wallet_id: wallet,
    mode: 'PAYOUT_MODE_EACH',
    reference: crypto.randomUUID(),
    labels,
  });
  const payout_id = String(made.at('payout', 'payout_id'));
  const lines = [bo, cho].map((user) => ({
    user_id: String(user),
    amount: won(3),
    reference: crypto.randomUUID(),
    labels,
  }));
  const draft = { payout_id, first_line: 1, lines };
  await stack.grpc.call('wallet.v2.PayoutService/AddPayoutLines', draft, actingAs(anna));
  await call(anna, 'PayoutService/StartPayout', { payout_id, line_count: lines.length });
  const freeze = 'UPDATE accounts SET frozen_in_until = $2 WHERE owner_user_id = $1 AND is_default';
  await stack.db.query(freeze, [cho, '2100-01-01']);
  await asWorker(stack, async (pool, execute) => {
    await runPayout({ pool, execute }).run({ payoutId: payout_id }, new AbortController().signal);
  });
  await stack.db.query(freeze, [cho, null]);
}

type Pool = ReturnType<typeof createTestPool>;
type Execute = ReturnType<typeof createTestLedger>['execute'];

/** As a worker has it: what is due is read by other connections than the ledger's. */
async function asWorker(stack: Stack, work: (pool: Pool, execute: Execute) => Promise<void>): Promise<void> {
  const url = stack.database.workerUrl;
  const [reads, writes] = [createTestPool(url), createTestPool(url, { settings: LEDGER_SETTINGS })];
  const ledger = createTestLedger(writes);
  await work(reads, ledger.execute);
  await ledger[Symbol.asyncDispose]();
  await Promise.all([reads.end(), writes.end()]);
}
