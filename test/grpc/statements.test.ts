// Statements as the handler makes them: how many at a time, nothing read ahead for a slow reader, and an end with the call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '../../src/domain/account.ts';
import type { PostedTransfer } from '../../src/domain/transfer.ts';
import { type Core, createStatements } from '../../src/usecases/index.ts';

const REF = { walletId: 'wallet', field: 'wallet_id' };
const ALL = { from: undefined, before: undefined };
const running = new AbortController().signal;

/** A ledger in which every user has the wallet, with pages of nothing without end. */
function endless() {
  let userOfWallet = 0n;
  let asked = 0;
  let open = 0;
  const wallet = () =>
    ({ id: 'wallet', ownerUserId: userOfWallet, currency: 'KRW', createdAt: 1 }) as unknown as Account;
  const core = {
    wallets: {
      find: async () => wallet(),
      settled: async () => ({ now: 10, settled: 5, lastChange: 3 }),
      balanceAsOf: async () => 0n,
    },
    transfers: {
      async *history(): AsyncGenerator<readonly PostedTransfer[]> {
        open += 1;
        try {
          for (;;) {
            asked += 1;
            yield [];
          }
        } finally {
          open -= 1;
        }
      },
    },
  } as unknown as Core;
  const statements = createStatements(core);
  return {
    /** Begins a statement, and reads as many parts of it. */
    begin: async (userId: bigint, parts: number, signal = running) => {
      userOfWallet = userId;
      const reading = statements(userId, REF, ALL, signal);
      for (let n = 0; n < parts; n++) assert.equal((await reading.next()).done, false);
      return reading;
    },
    counts: () => ({ asked, open }),
  };
}

test('a page is read when it is asked for, and the history is left with the statement', async () => {
  const { begin, counts } = endless();
  const reading = await begin(1n, 3);
  assert.deepEqual(counts(), { asked: 2, open: 1 });
  await reading.return(undefined);
  assert.deepEqual(counts(), { asked: 2, open: 0 });
});

test('a call that is over ends its statement before the next page goes out', async () => {
  const { begin, counts } = endless();
  const call = new AbortController();
  const reading = await begin(1n, 2, call.signal);
  call.abort(new Error('cancelled'));
  await assert.rejects(reading.next(), /cancelled/);
  assert.equal(counts().open, 0);
});

test('two statements a user and eight a process, and each that ends makes room', async () => {
  const { begin } = endless();
  const refusal = (userId: bigint) =>
    begin(userId, 1).then(
      () => 'none',
      ({ reason, retryAfterMs, quota }) => `${reason} ${quota} ${retryAfterMs > 0}`,
    );
  const first = await begin(1n, 1);
  await begin(1n, 1);
  assert.equal(await refusal(1n), 'RATE_LIMITED statements true');
  for (const user of [2n, 2n, 3n, 3n, 4n, 4n]) await begin(user, 1);
  assert.equal(await refusal(5n), 'UNAVAILABLE statements true');
  assert.equal(await refusal(4n), 'RATE_LIMITED statements true');
  await first.return(undefined);
  await begin(5n, 1);
  assert.equal(await refusal(1n), 'UNAVAILABLE statements true');
});
