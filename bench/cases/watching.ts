// What streams of wallets cost: the same transfers while nobody watches, while a quarter of the wallets is watched, and while
// wallets are watched that nothing happens with.
import { setTimeout as sleep } from 'node:timers/promises';
import { seedWallets, vacuumAnalyze, type Wallet, walletsOf } from '../env/seed.ts';
import { openStreams } from '../generator/streams.ts';
import { grpcCall, overGrpc, owner } from './calls.ts';
import { type Bench, type Case, type Result, requireKey } from './case.ts';
import { cpuOf, measure, programsOf } from './measure.ts';
import { transferCalls } from './transfers.ts';

const WATCH = 'wallet.v2.WalletService/WatchWallet';
const PAYING = 2000;
const ACTIVE = 500;
const IDLE = 1000;
const FIRST_USER = 3_000_001;
/** A quarter of the calls may be streams. */
const SETTINGS = { MAX_IN_FLIGHT: String(16 * IDLE) };
const PROGRAMS = ['server', 'postgres'] as const;
/** Rounds in which all is measured one after the other, so that what changes with time meets all of it. */
const ROUNDS = 3;
const SITUATIONS = ['nobody watches', '500 watched', '1,000 idle watched'] as const;
type Situation = (typeof SITUATIONS)[number];

/** The results are the medians of the rounds by the CPU time of the server, with its ratios to that without watchers. */
export const WATCHING: Case = {
  name: 'Watched wallets: CreateTransfer, 2,000 wallets',
  isLong: true,
  run: async (all) => {
    const { database } = all.stack;
    await seedWallets(database, { firstUser: FIRST_USER, wallets: PAYING + IDLE, deposits: 1 });
    await vacuumAnalyze(database);
    const wallets = await walletsOf(database, FIRST_USER, PAYING + IDLE);
    const bench = await withServer({ ...all, wallets: wallets.slice(0, PAYING) });
    const watched: Record<Situation, readonly Wallet[]> = {
      'nobody watches': [],
      '500 watched': wallets.slice(0, ACTIVE),
      '1,000 idle watched': wallets.slice(PAYING),
    };
    const rounds = new Map<Situation, Result[]>(SITUATIONS.map((situation) => [situation, []]));
    for (let round = 0; round < ROUNDS; round++)
      for (const situation of round % 2 === 0 ? SITUATIONS : SITUATIONS.toReversed())
        rounds.get(situation)?.push(await measureWatched(bench, situation, watched[situation]));
    return SITUATIONS.map((situation) =>
      summary(rounds.get(situation) ?? [], rounds.get('nobody watches') ?? []),
    );
  },
};

async function withServer(bench: Bench): Promise<Bench> {
  const { server, grpcAddress } = await bench.stack.startAnother(SETTINGS);
  const processes = { ...bench.stack.processes, server: server.pid };
  return { ...bench, stack: { ...bench.stack, grpcAddress, processes } };
}

async function measureWatched(
  bench: Bench,
  situation: Situation,
  wallets: readonly Wallet[],
): Promise<Result> {
  const calls = wallets.map((wallet) => grpcCall(WATCH, { wallet_id: wallet.id }, owner(wallet)));
  const watchers = await openStreams(bench.stack.grpcAddress, requireKey(bench), calls);
  try {
    const atRest = await restOf(bench);
    const before = watchers.told();
    const target = overGrpc(bench, transferCalls(bench.wallets), true);
    const plan = { name: `${WATCHING.name}, ${situation}`, target, programs: PROGRAMS, transfersPerCall: 1 };
    const result = await measure(bench, plan);
    return { ...result, figures: { ...atRest, messages: watchers.told() - before } };
  } finally {
    watchers.close();
  }
}

/** The CPU time of a second without calls. */
async function restOf({ stack: { processes }, seconds }: Bench): Promise<Record<string, number>> {
  const pids = programsOf({ programs: PROGRAMS }, processes);
  const before = cpuOf(pids);
  await sleep(seconds * 1000);
  return Object.fromEntries(
    Object.entries(cpuOf(pids)).map(([name, cpu]) => [
      `${name} CPU ms a second without calls`,
      ((cpu - (before[name] ?? 0)) * 1000) / seconds,
    ]),
  );
}

function summary(results: readonly Result[], unwatched: readonly Result[]): Result {
  const cpu = (result: Result | undefined) => result?.cpuSecondsPer1000Calls.server ?? 0;
  const ordered = [...results].sort((a, b) => cpu(a) - cpu(b));
  const median = ordered[ordered.length >> 1] as Result;
  const speed = ({ callsPerSecond }: Result) => callsPerSecond;
  return {
    ...median,
    figures: {
      ...median.figures,
      ...ratios('server CPU / nobody watches', results.map(cpu), unwatched.map(cpu)),
      ...ratios('calls/s / nobody watches', results.map(speed), unwatched.map(speed)),
    },
  };
}

/** The lowest, the median and the highest of the rounds' ratios. */
function ratios(name: string, above: readonly number[], below: readonly number[]): Record<string, number> {
  const sorted = above.map((value, round) => value / (below[round] ?? 0)).sort((a, b) => a - b);
  return {
    [`${name}, lowest`]: sorted[0] ?? 0,
    [`${name}, median`]: sorted[sorted.length >> 1] ?? 0,
    [`${name}, highest`]: sorted.at(-1) ?? 0,
  };
}
