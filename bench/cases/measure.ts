// Measures one kind of call: a closed loop for the maximum rate, an open loop for the latency at half of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf, peakMiBOf, resetPeak } from '../env/process-stats.ts';
import type { Processes } from '../env/stack.ts';
import { type Generator, type LoadResult, startGenerator } from '../generator/generator.ts';
import type { Histogram } from '../generator/histogram.ts';
import type { LoadModel, Target, WorkerTask } from '../generator/protocol.ts';
import type { Bench, Latencies, Result } from './case.ts';

/** A measurement. */
export interface Plan {
  readonly name: string;
  readonly target: Target;
  /** The programs whose CPU time is counted. */
  readonly programs: readonly (keyof Processes)[];
  /** Connections of each generator process; 1 by default. */
  readonly connections?: number;
  /** Calls in flight; those of the run by default. */
  readonly inFlight?: number;
  /** Transfers that a call makes; 0 by default, for calls that move no money. */
  readonly transfersPerCall?: number;
  /** The refusals that the calls are made to get; none by default. */
  readonly expected?: RegExp;
  /** Whether to measure an open loop, too. */
  readonly openLoop?: boolean;
}

/** The rate of the open loop, as a share of the maximum. */
const OPEN_SHARE = 0.5;
const TIMEOUT_MS = 30_000;
/** The bound on calls in flight in an open loop. */
const MAX_IN_FLIGHT = 20_000;

/** Runs the warm-up, the closed loop, and the open loop if the plan has one. */
export async function measure(bench: Bench, plan: Plan): Promise<Result> {
  const { stack, seconds, warmUpSeconds } = bench;
  const { server } = stack.processes;
  const { inFlight = bench.inFlight, transfersPerCall = 0 } = plan;
  const generator = await start(bench, plan, { kind: 'closed', inFlight });
  await sleep(warmUpSeconds * 1000);
  await prepare(generator, bench);
  const pids = { client: generator.pids, ...programsOf(plan, stack.processes) };
  if (server !== undefined) resetPeak(server);
  const [before, cpuBefore] = [await stack.database.progress(), cpuOf(pids)];
  generator.record();
  await sleep(seconds * 1000);
  const [after, cpuAfter] = [await stack.database.progress(), cpuOf(pids)];
  const peakMiB = server === undefined ? 0 : peakMiBOf(server);
  const measured = await generator.stop();
  const { completed } = measured;
  const transfers = completed * transfersPerCall;
  const callsPerSecond = completed / measured.seconds;
  const openLoop = plan.openLoop ? await measureOpen(bench, plan, callsPerSecond * OPEN_SHARE) : undefined;
  const errors = errorsIn(measured, plan.expected);
  return {
    name: plan.name,
    callsPerSecond,
    ...latenciesIn(measured.latencies),
    ...(transfersPerCall > 1 && { transfersPerSecond: transfers / measured.seconds }),
    cpuSecondsPer1000Calls: costs(cpuBefore, cpuAfter, completed),
    ...(transfers > 0 && {
      commitsPerTransfer: Number(after.transactions - before.transactions) / transfers,
      walBytesPerTransfer: Number(after.walBytes - before.walBytes) / transfers,
      diskBytesPerTransfer: Number(after.dataBytes - before.dataBytes) / transfers,
    }),
    ...(plan.programs.includes('server') && { serverPeakMiB: peakMiB }),
    ...(openLoop && { openLoop: openLoop.result }),
    errors: errors.errors + (openLoop?.errors.errors ?? 0),
    problems: [...errors.problems, ...(openLoop?.errors.problems ?? [])],
  };
}

async function measureOpen(bench: Bench, plan: Plan, perSecond: number) {
  const model = { kind: 'open', perSecond, maxInFlight: MAX_IN_FLIGHT } as const;
  const generator = await start(bench, plan, model);
  // Only this generator is new; the server is warm.
  await sleep(bench.warmUpSeconds * 500);
  await prepare(generator, bench);
  generator.record();
  await sleep(bench.seconds * 1000);
  const measured = await generator.stop();
  const result = {
    callsPerSecond: measured.completed / measured.seconds,
    ...latenciesIn(measured.latencies),
  };
  return { result, errors: errorsIn(measured) };
}

/** Prepares the calls that will be measured, and waits until the load is back. */
export async function prepare(generator: Generator, { seconds, warmUpSeconds }: Bench): Promise<void> {
  const settleSeconds = warmUpSeconds / 4;
  await generator.prepare(settleSeconds + seconds);
  await sleep(settleSeconds * 1000);
}

/** Starts the generator processes of a plan. */
export function start(
  bench: Bench,
  { target, connections = 1 }: Pick<Plan, 'target' | 'connections'>,
  model: LoadModel,
  more: Partial<WorkerTask> = {},
): Promise<Generator> {
  const all = connections * bench.clients;
  return startGenerator(
    { target, model, connections: all, timeoutMs: TIMEOUT_MS, keepAccepted: false, ...more },
    bench.clients,
  );
}

/** The pids of each program, by its name. */
export function programsOf({ programs }: Pick<Plan, 'programs'>, processes: Processes) {
  return Object.fromEntries(
    programs.flatMap((program) => {
      const pid = processes[program];
      return pid === undefined ? [] : [[program, [pid]] as const];
    }),
  );
}

/** The CPU seconds of each program so far. */
export function cpuOf(pids: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(pids).map(([name, all]) => [name, all.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0)]),
  );
}

/** The CPU seconds of each program for a thousand calls. */
export function costs(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  calls: number,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, cpu]) => [
      name,
      ((cpu - (before[name] ?? 0)) * 1000) / Math.max(calls, 1),
    ]),
  );
}

/** The reported quantiles of a histogram. */
export function latenciesIn(histogram: Histogram): Latencies {
  return { p50Ms: histogram.at(0.5), p99Ms: histogram.at(0.99), p999Ms: histogram.at(0.999) };
}

/** The answers that were neither OK nor expected. */
export function errorsIn(measured: Pick<LoadResult, 'refusals' | 'dropped'>, expected = /^$/) {
  const bad = [...measured.refusals].filter(([reason]) => !expected.test(reason));
  if (measured.dropped > 0) bad.push(['not made, because too many were under way', measured.dropped]);
  const errors = bad.reduce((sum, [, count]) => sum + count, 0);
  return { errors, problems: bad.map(([reason, count]) => `${count} × ${reason}`) };
}
