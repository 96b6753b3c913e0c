// Transfers: one a call between many wallets, out of one, into one, through Envoy, one at a time; and a hundred a call.
import type { Json } from '../../clients/typescript/src/connection.ts';
import { seedWallets, vacuumAnalyze, type Wallet, walletsOf } from '../env/seed.ts';
import type { SignedCall } from '../generator/protocol.ts';
import {
  grpcCall,
  hasRpc,
  overGrpc,
  overRest,
  owner,
  pickRandom,
  REST_CONNECTIONS,
  restCall,
  shuffled,
  transferBetween,
  won,
} from './calls.ts';
import type { Bench, Case, Result } from './case.ts';
import { measure } from './measure.ts';

export const CREATE = 'wallet.v2.TransferService/CreateTransfer';
export const BATCH = 'wallet.v2.TransferService/BatchCreateTransfers';
/** Different calls; each is made many times. */
const CALLS = 4000;
const ITEMS = 100;
const BATCH_CALLS = 500;
/** With ITEMS transfers each, more transfers in flight than with single calls. */
const BATCHES_IN_FLIGHT = 16;
const PROGRAMS = ['server', 'postgres', 'redis'] as const;

type Choose = (wallets: readonly Wallet[]) => readonly [from: Wallet, to: Wallet];

const uniform: Choose = (wallets) => {
  const from = pickRandom(wallets);
  return [from, pickRandom(wallets, from)];
};
const outOfOne: Choose = (wallets) => [first(wallets), pickRandom(wallets.slice(1))];
const intoOne: Choose = (wallets) => [pickRandom(wallets.slice(1)), first(wallets)];

/** CreateTransfer between the chosen wallets. */
export function transferCalls(wallets: readonly Wallet[], choose: Choose = uniform): SignedCall[] {
  return Array.from({ length: CALLS }, () => {
    const [from, to] = choose(wallets);
    return grpcCall(CREATE, transferBetween(from, to), owner(from));
  });
}

export const UNIFORM = single('CreateTransfer, 1,000 wallets', uniform);
export const OUT_OF_ONE = single('CreateTransfer, all out of one wallet', outOfOne);
export const INTO_ONE = single('CreateTransfer, all into one wallet', intoOne);

/** A few callers: batches are small, and what each of them costs is shared by few. */
export const SIXTEEN: Case = {
  name: 'CreateTransfer, 16 in flight',
  run: async (bench) => {
    const target = overGrpc(bench, transferCalls(bench.wallets), true);
    const plan = { name: SIXTEEN.name, target, programs: PROGRAMS, transfersPerCall: 1, inFlight: 16 };
    return [await measure(bench, plan)];
  },
};

function single(name: string, choose: Choose): Case {
  return {
    name,
    run: async (bench) => {
      const target = overGrpc(bench, transferCalls(bench.wallets, choose), true);
      return [
        await measure(bench, { name, target, programs: PROGRAMS, transfersPerCall: 1, openLoop: true }),
      ];
    },
  };
}

/** Money that is set aside, between the same wallets. */
export const CREATE_HOLD: Case = {
  name: 'CreateHold, 1,000 wallets',
  run: async (bench) => {
    const calls = Array.from({ length: CALLS }, () => {
      const [from, to] = uniform(bench.wallets);
      const request = { wallet_id: from.id, credit_wallet_id: to.id, amount: won(1) };
      return grpcCall('wallet.v2.HoldService/CreateHold', request, owner(from));
    });
    const plan = { name: CREATE_HOLD.name, target: overGrpc(bench, calls, true), programs: PROGRAMS };
    return [await measure(bench, { ...plan, transfersPerCall: 1 })];
  },
};

/** The most of everything, so that each limit is checked and none is reached. */
const ALL_LIMITS = `{${Array.from({ length: 7 }, () => 2n ** 62n).join(',')}}`;

/** The first user of wallets that other cases and runs leave alone. */
let nextUser = 3_000_000_000;

/**
 * The uniform case while limits of every kind are in force, all of them far away. Its wallets are its own: those of other cases
 * have dozens of open sprinkles and holds, which count as held by their owners and are summed for each transfer.
 */
export const WITH_LIMITS: Case = {
  name: 'CreateTransfer with limits, 1,000 wallets',
  run: async (bench) => {
    const { database } = bench.stack;
    const put = (limits: string) =>
      database.run(`SELECT put_limit_policy('unverified', 'KRW', ${limits}, 'Asia/Seoul')`);
    const [firstUser, count] = [nextUser, bench.wallets.length];
    nextUser += count;
    await seedWallets(database, { firstUser, wallets: count, deposits: 1 });
    await vacuumAnalyze(database);
    const wallets = await walletsOf(database, firstUser, count);
    await put(`'${ALL_LIMITS}'`);
    try {
      const target = overGrpc(bench, transferCalls(wallets), true);
      const plan = { name: WITH_LIMITS.name, target, programs: PROGRAMS, transfersPerCall: 1 };
      return [await measure(bench, plan)];
    } finally {
      await put('NULL');
    }
  },
};

/** One call at a time. */
export const ALONE: Case = {
  name: 'CreateTransfer, one at a time',
  run: async (bench) => [await measureAlone(bench, ALONE.name)],
};

/** Transfers one at a time, as a result of this name. */
export function measureAlone(bench: Bench, name: string): Promise<Result> {
  const target = overGrpc(bench, transferCalls(bench.wallets), true);
  const plan = { name, target, programs: PROGRAMS, transfersPerCall: 1, inFlight: 1 };
  return measure({ ...bench, clients: 1 }, plan);
}

/** The uniform case through Envoy. */
export const THROUGH_ENVOY: Case = {
  name: 'REST through Envoy: CreateTransfer',
  run: async (bench) => {
    const { rest } = bench.stack;
    if ('missing' in rest) return `Envoy cannot be had: ${rest.missing}`;
    const calls = Array.from({ length: CALLS }, () => {
      const [from, to] = uniform(bench.wallets);
      return restCall(CREATE, transferBetween(from, to), owner(from));
    });
    const plan = {
      name: THROUGH_ENVOY.name,
      target: overRest(bench, rest.url, calls, true),
      programs: [...PROGRAMS, 'envoy'] as const,
      connections: REST_CONNECTIONS,
      transfersPerCall: 1,
      openLoop: true,
    };
    return [await measure(bench, plan)];
  },
};

/** A hundred transfers from one wallet to random others; each call has another wallet. */
export const BATCH_UNIFORM = batch('BatchCreateTransfers × 100, 1,000 wallets', (wallets) =>
  shuffled(wallets).map((from) => [from, Array.from({ length: ITEMS }, () => pickRandom(wallets, from))]),
);

/** A hundred transfers, always out of the same wallet. */
export const BATCH_HOT = batch('BatchCreateTransfers × 100, all out of one wallet', (wallets) => {
  const from = first(wallets);
  return wallets.map(() => [from, Array.from({ length: ITEMS }, () => pickRandom(wallets, from))]);
});

type Batch = readonly [from: Wallet, to: readonly Wallet[]];

function batch(name: string, batches: (wallets: readonly Wallet[]) => readonly Batch[]): Case {
  return {
    name,
    run: async (bench: Bench) => {
      if (!hasRpc(BATCH)) return 'the contracts have no BatchCreateTransfers';
      const calls = batches(bench.wallets)
        .slice(0, BATCH_CALLS)
        .map(([from, to]) => {
          const items: Json[] = to.map((wallet) => transferBetween(from, wallet));
          return grpcCall(BATCH, { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' }, owner(from));
        });
      const plan = {
        name,
        target: overGrpc(bench, calls, true),
        programs: PROGRAMS,
        transfersPerCall: ITEMS,
        inFlight: BATCHES_IN_FLIGHT,
        openLoop: true,
      };
      return [await measure(bench, plan)];
    },
  };
}

function first(wallets: readonly Wallet[]): Wallet {
  const [wallet] = wallets;
  if (!wallet) throw new Error('there are no wallets');
  return wallet;
}
