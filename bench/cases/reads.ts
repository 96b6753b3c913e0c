// Reads: cached balances, cold balances, and pages of histories.
import { seedWallets, vacuumAnalyze, walletsOf } from '../env/seed.ts';
import { grpcCall, overGrpc, overRest, owner, REST_CONNECTIONS, restCall, shuffled } from './calls.ts';
import type { Bench, Case } from './case.ts';
import { measure } from './measure.ts';

const BALANCE = 'wallet.v2.WalletService/GetBalance';
const LIST = 'wallet.v2.WalletService/ListTransactions';
const PROGRAMS = ['server', 'postgres', 'redis'] as const;
/** More than a machine reads in a second, so that no cold wallet is read twice. */
const COLD_PER_SECOND = 12_000;

/** The balances of a thousand wallets, read again and again. */
export const CACHED = readOf('GetBalance, cached', BALANCE, {});

/** The first page of histories, 20 entries. */
export const HISTORY = readOf('ListTransactions, 20 entries', LIST, { page_size: 20 });

function readOf(name: string, rpc: string, more: Record<string, number>): Case {
  return {
    name,
    run: async (bench) => {
      const calls = shuffled(bench.wallets).map((wallet) =>
        grpcCall(rpc, { wallet_id: wallet.id, ...more }, owner(wallet)),
      );
      const target = overGrpc(bench, calls, false);
      return [await measure(bench, { name, target, programs: PROGRAMS, openLoop: true })];
    },
  };
}

/** The cached balances over REST. */
export const CACHED_REST: Case = {
  name: 'REST through Envoy: GetBalance, cached',
  run: async (bench) => {
    const { rest } = bench.stack;
    if ('missing' in rest) return `Envoy cannot be had: ${rest.missing}`;
    const calls = shuffled(bench.wallets).map((wallet) =>
      restCall(BALANCE, { wallet_id: wallet.id }, owner(wallet)),
    );
    const target = overRest(bench, rest.url, calls, false);
    const programs = [...PROGRAMS, 'envoy'] as const;
    return [
      await measure(bench, { name: CACHED_REST.name, target, programs, connections: REST_CONNECTIONS }),
    ];
  },
};

let nextColdUser = 1_000_000_000;

/** Each call reads a wallet for the first time. */
export const COLD: Case = {
  name: 'GetBalance, cold',
  run: async (bench: Bench) => {
    const { database } = bench.stack;
    const wallets = Math.ceil((bench.seconds + bench.warmUpSeconds) * COLD_PER_SECOND);
    const firstUser = nextColdUser;
    nextColdUser += wallets;
    bench.log(`making ${wallets} wallets that nobody has read yet`);
    await seedWallets(database, { firstUser, wallets, deposits: 0 });
    await vacuumAnalyze(database);
    const cold = await walletsOf(database, firstUser, wallets);
    const calls = cold.map((wallet) => grpcCall(BALANCE, { wallet_id: wallet.id }, owner(wallet)));
    const target = overGrpc(bench, shuffled(calls), false);
    return [await measure(bench, { name: COLD.name, target, programs: PROGRAMS })];
  },
};
