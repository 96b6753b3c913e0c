// A ledger, the cache beside it, and what reads through both, without the rest of a server: tests put other stores and leases into it.
import { cacheCommitted, LEASE_MS } from '../../src/cache/index.ts';
import { createLease, type Lease } from '../../src/cache/lease.ts';
import { type CacheResult, createReader } from '../../src/cache/read.ts';
import { createSealedFormat } from '../../src/cache/seal.ts';
import { createStore, type Store } from '../../src/cache/store.ts';
import { createWriter } from '../../src/cache/write.ts';
import { createCacheEpochs } from '../../src/db/cache-epochs.ts';
import { createPeople } from '../../src/db/people/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import {
  createSprinkleRepository,
  createTransferRepository,
  createUserRepository,
  createWalletRepository,
} from '../../src/repositories/index.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { watched } from '../db/watched-pool.ts';
import type { TestDatabase } from '../stack.ts';
import { createTestLedger, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const CALL = systemCall('test');
const EVERYTHING = { kinds: undefined, from: undefined, before: undefined };
const keyOf = (user: number) => ({ userId: BigInt(user), key: crypto.randomUUID(), fingerprint: 'f0' });

/** What a test puts in place of the real store and lease, made of them, to show what they are good for. */
export interface Replacements {
  readonly store?: (real: Store) => Store;
  readonly lease?: (real: Lease) => Lease;
}

function poolOf({ appUrl }: TestDatabase) {
  return createTestPool(appUrl, { maxConnections: 4 });
}

function storeAt(url: string): Promise<Store> {
  return createStore({ url, timeoutMs: 100, onStateChange: () => {}, onConnectionError: () => {} });
}

function cacheOver(store: Store, lease: Lease, results: CacheResult[]) {
  const options = {
    prefix: 'test:copy:',
    store,
    lease,
    format: createSealedFormat('the secret of the tests'),
    onRead: (_kind: string, result: CacheResult) => results.push(result),
  };
  return { ...createReader(options), ...createWriter(options) };
}

export type CachedLedger = Awaited<ReturnType<typeof startCachedLedger>>;

export async function startCachedLedger(
  database: TestDatabase,
  redisUrl: string,
  { store: replaceStore = (real) => real, lease: replaceLease = (real) => real }: Replacements = {},
) {
  const [pool, reads, epochs] = [poolOf(database), poolOf(database), poolOf(database)];
  const people = createPeople({ url: database.appUrl, maxConnections: 2 });
  let statements = 0;
  let duringCommit = async () => {};
  const store = replaceStore(await storeAt(redisUrl));
  const lease = await createLease({
    epochs: createCacheEpochs(epochs, LEASE_MS),
    redisRunId: store.runId,
    onFault: () => {},
  });
  const results: CacheResult[] = [];
  const cache = cacheOver(store, replaceLease(lease), results);
  await pool.query('SELECT open_transfer_months(1)');
  const beforeCommit = tombstonesAnd(cacheCommitted(cache), () => duringCommit());
  const ledger = createTestLedger(pool, { lanes: 2 }, { beforeCommit });
  const counted = watched(reads, () => void statements++);
  const sources = {
    cache,
    primary: counted,
    readFromReplica: <T>(read: (db: Pool) => Promise<T>) => read(counted),
    archive: undefined,
  };
  const wallets = createWalletRepository(sources);
  const transfers = createTransferRepository(sources);
  return {
    cache,
    store,
    lease,
    results,
    users: createUserRepository(cache, people.users),
    sprinkles: createSprinkleRepository(sources),
    newest: async (user: number) => {
      const wallet = await wallets.findDefault(BigInt(user));
      if (!wallet) throw new Error(`there is no user ${user}`);
      return (await transfers.list(wallet, EVERYTHING, undefined, 20)).items;
    },
    /** How many statements reading has cost so far. */
    statements: () => statements,
    /** Does something between the tombstones of a batch and its commit, from now on. */
    whileCommitting: (work: () => Promise<void>) => {
      duringCommit = work;
    },
    balance: async (user: number) => Number((await wallets.findDefault(BigInt(user)))?.balance),
    /** What the last read of an entry came to. */
    lastResult: () => results.at(-1),
    deposit: async (user: number, amount: number) => {
      const intent = { userId: BigInt(user), wallet: walletOf(user), money: krw(amount), memo: '' };
      const posted = await ledger.execute(deposit, intent, keyOf(user), CALL);
      return Number(posted.transfer.creditBalanceAfter);
    },
    /** Moves money, where wanted under a key of the caller's; the payer's balance after. */
    pay: async (from: number, to: number, amount: number, key: string = crypto.randomUUID()) => {
      const intent = {
        userId: BigInt(from),
        from: walletOf(from),
        to: walletOf(to),
        money: krw(amount),
        memo: '',
      };
      const posted = await ledger.execute(createTransfer, intent, { ...keyOf(from), key }, CALL);
      return Number(posted.transfer.debitBalanceAfter);
    },
    async stop() {
      await ledger[Symbol.asyncDispose]();
      lease[Symbol.dispose]();
      store[Symbol.dispose]();
      await Promise.all([pool.end(), reads.end(), epochs.end(), people[Symbol.asyncDispose]()]);
    },
  };
}

type BeforeCommit = ReturnType<typeof cacheCommitted>;

/** Does something between the tombstones of a batch and its commit. */
function tombstonesAnd(setTombstones: BeforeCommit, duringCommit: () => Promise<void>): BeforeCommit {
  return async (changes) => {
    const after = await setTombstones(changes);
    await duringCommit();
    return after;
  };
}
