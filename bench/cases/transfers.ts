// Transfers: one a call between many wallets, out of one, into one, through Envoy, one at a time; and a hundred a call.
import type { Json } from '../../clients/typescript/src/grpc.ts';
import type { Wallet } from '../env/seed.ts';
import type { SignedCall } from '../generator/protocol.ts';
import {
  grpcCall,
  hasRpc,
  overGrpc,
  overRest,
  owner,
  pickRandom,
  restCall,
  shuffled,
  transferBetween,
} from './calls.ts';
import type { Bench, Case } from './case.ts';
import { measure } from './measure.ts';

const CREATE = 'wallet.v2.TransferService/CreateTransfer';
const BATCH = 'wallet.v2.TransferService/BatchCreateTransfers';
/** Different calls; each is made many times. */
const CALLS = 4000;
/** An HTTP/1.1 connection has one call at a time. */
const REST_CONNECTIONS = 256;
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

/** One call at a time. */
export const ALONE: Case = {
  name: 'CreateTransfer, one at a time',
  run: async (bench) => {
    const { name } = ALONE;
    const target = overGrpc(bench, transferCalls(bench.wallets), true);
    const plan = { name, target, programs: PROGRAMS, transfersPerCall: 1, inFlight: 1 };
    return [await measure({ ...bench, clients: 1 }, plan)];
  },
};

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
