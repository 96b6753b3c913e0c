// The examples of wallets that are renamed, closed and frozen, and a refusal for each of their reasons.
import assert from 'node:assert/strict';
import type { Identity, Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { JUNHO, keyed, MINJI, NO_ID, type Scene, SPENDER, textIn, won } from './people.ts';
import type { Recorder } from './recorder.ts';

/** The RPC whose examples show what states of wallets forbid; it is the same for all others that move money. */
export const FROZEN_EXAMPLE = 'wallet.v2.TransferService/CreateTransfer';

const WALLETS = 'wallet.v2.WalletService';
const [UPDATE, CLOSE] = [`${WALLETS}/UpdateWallet`, `${WALLETS}/CloseWallet`];

type Wanted = readonly [reason: string, rpc: string, request: Json, identity: Identity];

/** Minji opens a wallet, renames it, uses it and closes it. */
export async function closedWallets(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const mine = scene.wallets.get(MINJI) ?? '';
  const savings = { currency_code: 'KRW', display_name: 'Savings' };
  const opened = await record.call(`${WALLETS}/CreateWallet`, savings, keyed(MINJI));
  const wallet_id = textIn(opened, 'wallet', 'wallet_id');
  const name = { wallet_id, display_name: 'Summer holidays' };
  await record.done(UPDATE, name, keyed(MINJI, 'rename-savings'));
  await record.call('wallet.v2.TransferService/Deposit', { wallet_id, amount: won(1000) }, keyed(MINJI));
  await record.refused('WALLET_NOT_EMPTY', CLOSE, { wallet_id }, keyed(MINJI));
  const hold = { wallet_id, amount: won(1000) };
  const held = await record.call('wallet.v2.HoldService/CreateHold', hold, keyed(MINJI));
  await record.refused('WALLET_IN_USE', CLOSE, { wallet_id }, keyed(MINJI));
  const hold_id = textIn(held, 'hold', 'hold_id');
  const away = { hold_id, amount: won(1000), credit_wallet_id: mine };
  await record.call('wallet.v2.HoldService/CaptureHold', away, keyed(MINJI));
  const lift = await freeze(stack, { wallet_id }, 'BOTH');
  await record.refused('WALLET_FROZEN', CLOSE, { wallet_id }, keyed(MINJI));
  await lift();
  await record.done(CLOSE, { wallet_id }, keyed(MINJI, 'close-savings'));
  const dollars = { currency_code: 'USD', display_name: 'Travel' };
  await record.call(`${WALLETS}/CreateWallet`, dollars, keyed(SPENDER));
  const ofSpender = { wallet_id: scene.wallets.get(SPENDER) ?? '' };
  const wanted: readonly Wanted[] = [
    ['WALLET_NOT_FOUND', UPDATE, { wallet_id: NO_ID, display_name: 'x' }, keyed(MINJI)],
    ['WALLET_CLOSED', UPDATE, name, keyed(MINJI)],
    ['CURRENCY_MISMATCH', UPDATE, { wallet_id: scene.dollars, is_default: true }, keyed(MINJI)],
    ['WALLET_NOT_FOUND', CLOSE, { wallet_id: NO_ID }, keyed(MINJI)],
    ['WALLET_IS_DEFAULT', CLOSE, ofSpender, keyed(SPENDER)],
  ];
  for (const [reason, rpc, request, identity] of wanted) await record.refused(reason, rpc, request, identity);
  await paymentsRefused(record, scene, stack, wallet_id);
}

/** A payment from a frozen wallet, from a closed one, and to somebody who cannot receive. */
async function paymentsRefused(record: Recorder, scene: Scene, stack: Stack, closed: string): Promise<void> {
  const mine = scene.wallets.get(MINJI) ?? '';
  const pay = (debit_wallet_id: string): Json => ({
    debit_wallet_id,
    credit_user_id: String(JUNHO),
    amount: won(1000),
  });
  const lift = await freeze(stack, { wallet_id: mine }, 'OUT');
  await record.refused('WALLET_FROZEN', FROZEN_EXAMPLE, pay(mine), keyed(MINJI));
  await lift();
  await record.refused('WALLET_CLOSED', FROZEN_EXAMPLE, pay(closed), keyed(MINJI));
  const liftJunho = await freeze(stack, { user_id: String(JUNHO) }, 'IN');
  await record.refused('RECEIVER_UNAVAILABLE', FROZEN_EXAMPLE, pay(mine), keyed(MINJI));
  await liftJunho();
}

/** Freezes as an operator does; returns how to lift it. */
async function freeze(stack: Stack, target: Json, way: 'OUT' | 'IN' | 'BOTH'): Promise<() => Promise<void>> {
  const act = async (name: string, request: Json) => {
    const answer = await stack.grpc.call(`admin.v1.AccountService/${name}`, { ...target, ...request });
    assert.equal(answer.status, 0, answer.reason);
  };
  const why = { case_id: 'example', reason: 'an example' };
  await act('Freeze', { ...why, direction: `FREEZE_DIRECTION_${way}` });
  return () => act('Unfreeze', why);
}
