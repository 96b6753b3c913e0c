// The ratios that a run must reach: each figure as a share of another one of the same run.
import type { Result } from '../cases/case.ts';

/** A ratio, and whether it is large enough. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly atLeast: number;
  readonly reached: boolean;
}

interface Rule {
  readonly name: string;
  readonly atLeast: number;
  /** Undefined when its cases have not been measured. */
  readonly value: (of: Find) => number | undefined;
}

type Find = (name: string) => Result | undefined;

const ECHO = 'bare gRPC echo';
const UNIFORM = 'CreateTransfer, 1,000 wallets';
const CLASSICAL = 'Postgres alone, uniform';

/** CPU time of server and Postgres for a thousand calls, in seconds. */
function cpuOf(result: Result | undefined): number | undefined {
  const { server, postgres } = result?.cpuSecondsPer1000Calls ?? {};
  return server !== undefined && postgres !== undefined ? server + postgres : undefined;
}

const RULES: readonly Rule[] = [
  share('CreateTransfer, 1,000 wallets / bare echo', UNIFORM, ECHO, 0.5),
  share('CreateTransfer, 1,000 wallets / Postgres alone, uniform', UNIFORM, CLASSICAL, 0.85),
  share('GetBalance, cached / bare echo', 'GetBalance, cached', ECHO, 0.65),
  share(
    'CreateTransfer, out of one wallet / 1,000 wallets',
    'CreateTransfer, all out of one wallet',
    UNIFORM,
    0.9,
  ),
  share(
    'CreateTransfer, into one wallet / 1,000 wallets',
    'CreateTransfer, all into one wallet',
    UNIFORM,
    0.9,
  ),
  share(
    'BatchCreateTransfers × 100, 1,000 wallets / Postgres alone, uniform (transfers)',
    'BatchCreateTransfers × 100, 1,000 wallets',
    CLASSICAL,
    4,
  ),
  share(
    'BatchCreateTransfers × 100, out of one wallet / Postgres alone, all into one (transfers)',
    'BatchCreateTransfers × 100, all out of one wallet',
    'Postgres alone, all into one',
    10,
  ),
  share(
    'Payout of 100,000 lines / BatchCreateTransfers × 100, 1,000 wallets (transfers)',
    'Payout of 100,000 lines',
    'BatchCreateTransfers × 100, 1,000 wallets',
    0.7,
  ),
  share('ClaimSprinkle rush (shares) / CreateTransfer, 1,000 wallets', 'ClaimSprinkle rush', UNIFORM, 1),
  {
    name: 'CreateTransfer / the same with limits (CPU of server and Postgres)',
    atLeast: 1 / 1.05,
    value: (of) => {
      const [without, limited] = [cpuOf(of(UNIFORM)), cpuOf(of('CreateTransfer with limits, 1,000 wallets'))];
      return without && limited && without / limited;
    },
  },
  share('CreateHold / CreateTransfer, 1,000 wallets', 'CreateHold, 1,000 wallets', UNIFORM, 0.8),
  share('REST through Envoy / the same over gRPC', 'REST through Envoy: CreateTransfer', UNIFORM, 0.6),
  share(
    'CreateTransfer, one at a time / Postgres by hand, one at a time',
    'CreateTransfer, one at a time',
    'Postgres by hand, one at a time',
    0.5,
  ),
  {
    name: 'CreateTransfer, open loop at 50 %: 10 × p50 / p99',
    atLeast: 1,
    value: (of) => {
      const open = of(UNIFORM)?.openLoop;
      return open && (10 * open.p50Ms) / open.p99Ms;
    },
  },
  cost('CreateTransfer, 1,000 wallets', UNIFORM, ['server', 'postgres', 'redis'], 0.16),
  cost('CreateTransfer, 16 in flight', 'CreateTransfer, 16 in flight', ['server'], 0.145),
  cost('GetBalance over REST', 'REST through Envoy: GetBalance', ['server', 'envoy'], 0.135),
  figure('1 % bad calls: good ones / without', 'CreateTransfer with 1 % bad', 'good ones / without', 0.95),
  figure('Overload: goodput / unloaded maximum', 'overload', 'goodput / unloaded maximum', 0.85),
  figure('Overload: accepted calls that the ledger has', 'overload', 'accepted calls kept', 1),
  share(
    'Growth: CreateTransfer at 10 million / at 1 thousand',
    'Growth to 10 million: CreateTransfer',
    'Growth to 1 thousand: CreateTransfer',
    0.85,
  ),
  share(
    'Growth: ListTransactions at 10 million / at 1 million',
    'Growth to 10 million: ListTransactions',
    'Growth to 1 million: ListTransactions',
    0.8,
  ),
  figure('Archive: CreateTransfer beside archiving / alone', 'archive', 'beside archiving / alone', 0.8),
  figure('Memory: after the first minute / at the end of the load', 'memory', 'first minute / end', 1 / 1.1),
];

function share(name: string, above: string, below: string, atLeast: number): Rule {
  const speed = (result: Result | undefined) =>
    result && (result.transfersPerSecond ?? result.callsPerSecond);
  return {
    name,
    atLeast,
    value: (of) => {
      const [a, b] = [speed(of(above)), speed(of(below))];
      return a === undefined || !b ? undefined : a / b;
    },
  };
}

/** The CPU time of a bare echo's server as a share of what these programs take for a call. */
function cost(name: string, ofCase: string, programs: readonly string[], atLeast: number): Rule {
  return {
    name: `CPU of a bare echo / of ${name} (${programs.join(', ')})`,
    atLeast,
    value: (of) => {
      const echo = of(ECHO)?.cpuSecondsPer1000Calls.echo;
      const costs = of(ofCase)?.cpuSecondsPer1000Calls;
      const all = programs.reduce((sum, program) => sum + (costs?.[program] ?? 0), 0);
      return echo === undefined || all === 0 ? undefined : echo / all;
    },
  };
}

function figure(name: string, ofCase: string, figureName: string, atLeast: number): Rule {
  return { name, atLeast, value: (of) => of(ofCase)?.figures?.[figureName] };
}

/** The ratios that one run's results allow. Of a case that was measured several times, the median counts. */
export function ratiosOf(results: readonly Result[]): Ratio[] {
  const medians = medianResults(results);
  const find: Find = (name) =>
    medians.find((result) => result.name.toLowerCase().startsWith(name.toLowerCase()));
  return RULES.flatMap(({ name, atLeast, value: read }) => {
    const value = read(find);
    return value === undefined ? [] : [{ name, value, atLeast, reached: value >= atLeast }];
  });
}

/** The medians of the ratios of several runs. */
export function medianRatios(runs: readonly (readonly Ratio[])[]): Ratio[] {
  return (runs[0] ?? []).map(({ name, atLeast }) => {
    const values = runs.flatMap((ratios) => ratios.filter((ratio) => ratio.name === name));
    const value = middle(values, (ratio) => ratio.value)?.value ?? 0;
    return { name, value, atLeast, reached: value >= atLeast };
  });
}

/** One result a case: of those measured several times, the one in the middle by speed, with the errors of all. */
export function medianResults(results: readonly Result[]): Result[] {
  const names = [...new Set(results.map(({ name }) => name))];
  return names.flatMap((name) => {
    const all = results.filter((result) => result.name === name);
    const median = middle(all, ({ callsPerSecond }) => callsPerSecond);
    const errors = all.reduce((sum, result) => sum + result.errors, 0);
    const problems = [...new Set(all.flatMap((result) => result.problems))];
    return median ? [{ ...median, errors, problems }] : [];
  });
}

function middle<T>(things: readonly T[], by: (thing: T) => number): T | undefined {
  const sorted = [...things].sort((a, b) => by(a) - by(b));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
