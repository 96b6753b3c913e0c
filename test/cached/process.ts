// As much of a server process as keeps copies: the ledger's batch, the cache, and the reads through it.

import { copiesOf } from '../../src/cached/ledger-copies.ts';
import { cachedUsers } from '../../src/cached/people.ts';
import { cachedTokens } from '../../src/cached/tokens.ts';
import { cachedNewestTransfers } from '../../src/cached/transactions.ts';
import { cachedWallets } from '../../src/cached/wallets.ts';
import { createCacheEpochs } from '../../src/db/cache-epochs.ts';
import { connectPeople } from '../../src/db/people/connect.ts';
import { createPool } from '../../src/db/pool.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { createLedger } from '../../src/ledger/index.ts';
import { startCache } from '../../src/redis/cache/cache.ts';
import { sealedBy } from '../../src/redis/cache/entry.ts';
import { type Lease, openLease } from '../../src/redis/cache/lease.ts';
import { openStore, type Store } from '../../src/redis/cache/store.ts';
import { LEASE_MS, type Look } from '../../src/redis/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { watched } from '../db/watched-pool.ts';
import type { TestDatabase } from '../stack.ts';

const CALL = systemCall('test');
const won = (amount: number) => ({ currency: 'KRW', amount: BigInt(amount), field: 'amount' }) as const;
const walletOf = (user: number) => ({ defaultOf: BigInt(user), field: 'user' });
const keyOf = (user: number) => ({ userId: BigInt(user), key: crypto.randomUUID(), fingerprint: 'f0' });

/** Parts that a test puts in the place of the real ones, made of them, to see what they are good for. */
export interface Replacements {
  readonly store?: (real: Store) => Store;
  readonly lease?: (real: Lease) => Lease;
}

function poolOf({ appUrl }: TestDatabase) {
  return createPool({ url: appUrl, maxConnections: 4, statementTimeoutMs: 10_000, onIdleError: () => {} });
}

export type Process = Awaited<ReturnType<typeof startProcess>>;

export async function startProcess(
  database: TestDatabase,
  redisUrl: string,
  { store: replaceStore = (real) => real, lease: replaceLease = (real) => real }: Replacements = {},
) {
  const [pool, reads, epochs] = [poolOf(database), poolOf(database), poolOf(database)];
  const people = connectPeople(database.appUrl, 2);
  const looks: Look[] = [];
  let statements = 0;
  let duringCommit = async () => {};
  const store = await openStore({
    url: redisUrl,
    timeoutMs: 100,
    onStateChange: () => {},
    onConnectionError: () => {},
  });
  const lease = await openLease({
    store: createCacheEpochs(epochs, LEASE_MS),
    redisRunId: store.runId,
    onFault: () => {},
  });
  const cache = startCache({
    prefix: 'test:copy:',
    store: replaceStore(store),
    lease: replaceLease(lease),
    format: sealedBy('the secret of the tests'),
    onLook: (_kind, look) => looks.push(look),
  });
  await pool.query('SELECT open_transfer_months(1)');
  const keepCopies = copiesOf(cache);
  const ledger = createLedger(
    {
      pool,
      random: cryptoRandom,
      beforeCommit: async (changes) => {
        const after = await keepCopies(changes);
        await duringCommit();
        return after;
      },
      onCommit: () => {},
    },
    { maxBatch: 100, lanes: 2, maxWaiting: 10_000 },
  );
  const counted = watched(reads, () => {
    statements += 1;
  });
  const wallets = cachedWallets(cache, counted);
  return {
    cache,
    store,
    lease,
    looks,
    users: cachedUsers(cache, people.users),
    tokens: cachedTokens(cache, counted),
    newest: async (user: number) => {
      const wallet = await wallets.findDefault(BigInt(user));
      if (!wallet) throw new Error(`there is no user ${user}`);
      return cachedNewestTransfers(cache, { reads: counted, archive: undefined })(wallet);
    },
    /** How many statements reading has cost so far. */
    statements: () => statements,
    /** Does something between the marks of a batch and its commit, from now on. */
    whileCommitting: (work: () => Promise<void>) => {
      duringCommit = work;
    },
    balance: async (user: number) => Number((await wallets.findDefault(BigInt(user)))?.balance),
    /** What the last look for a copy came to. */
    lastLook: () => looks.at(-1),
    deposit: async (user: number, amount: number) => {
      const intent = { userId: BigInt(user), wallet: walletOf(user), money: won(amount), memo: '' };
      const posted = await ledger.execute(deposit, intent, keyOf(user), CALL);
      return Number(posted.transfer.creditBalanceAfter);
    },
    /** Moves money, where wanted under a key of the caller's; the payer's balance after. */
    pay: async (from: number, to: number, amount: number, key: string = crypto.randomUUID()) => {
      const intent = {
        userId: BigInt(from),
        from: walletOf(from),
        to: walletOf(to),
        money: won(amount),
        memo: '',
      };
      const posted = await ledger.execute(createTransfer, intent, { ...keyOf(from), key }, CALL);
      return Number(posted.transfer.debitBalanceAfter);
    },
    async stop() {
      await ledger[Symbol.asyncDispose]();
      lease.close();
      store.close();
      await Promise.all([pool.end(), reads.end(), epochs.end(), people.close()]);
    },
  };
}
