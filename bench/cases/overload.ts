// Overload: five times the maximum rate for ten seconds; how much is still done, and whether all of it is in the ledger.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../generator/protocol.ts';
import { overGrpc } from './calls.ts';
import type { Bench, Case } from './case.ts';
import { costs, cpuOf, errorsIn, latenciesIn, measure, programsOf, start } from './measure.ts';
import { transferCalls } from './transfers.ts';

const TIMES = 5;
/** In seconds, at the default of --seconds, which is NORMAL_SECONDS. */
const SECONDS = 10;
const NORMAL_SECONDS = 4;
/** Callers give up after this. */
const TIMEOUT_MS = 5_000;
/** The bound of one generator process. Calls above it are dropped and reported. */
const MAX_IN_FLIGHT = 10_000;
/** Enough that no call waits in the generator for one of the 1,000 streams of a connection. */
const CONNECTIONS = 20;
const PROGRAMS = ['server', 'postgres', 'redis'] as const;
/** The expected answers under overload: the call was not made and can be tried again. */
const TURNED_AWAY = /^(UNAVAILABLE|RESOURCE_EXHAUSTED|DEADLINE_EXCEEDED)/;
const KEYS_AT_A_TIME = 50_000;

/** The uniform transfer, at five times the rate that a closed loop reached just before. */
export const OVERLOAD: Case = {
  name: 'Overload: CreateTransfer at 5 × the maximum',
  run: async (bench) => {
    const most = await maximumOf(bench, overGrpc(bench, transferCalls(bench.wallets), true));
    const seconds = Math.min(SECONDS, (SECONDS / NORMAL_SECONDS) * bench.seconds);
    const { processes } = bench.stack;
    const target = overGrpc(bench, transferCalls(bench.wallets), true);
    const model = { kind: 'open', perSecond: TIMES * most, maxInFlight: MAX_IN_FLIGHT } as const;
    const more = { keepAccepted: true, timeoutMs: TIMEOUT_MS };
    const generator = await start(bench, { target, connections: CONNECTIONS }, model, more);
    await generator.prepare(seconds);
    await sleep(bench.warmUpSeconds * 500);
    const pids = { client: generator.pids, ...programsOf({ programs: PROGRAMS }, processes) };
    const cpuBefore = cpuOf(pids);
    generator.record();
    await sleep(seconds * 1000);
    const cpuAfter = cpuOf(pids);
    const measured = await generator.stop();
    const { accepted, completed, sent } = measured;
    const kept = await keptOf(bench, accepted);
    const faults = await bench.stack.database.faults();
    const unexpected = errorsIn({ ...measured, dropped: 0 }, TURNED_AWAY);
    const goodput = completed / measured.seconds;
    return [
      {
        name: OVERLOAD.name,
        callsPerSecond: goodput,
        ...latenciesIn(measured.latencies),
        cpuSecondsPer1000Calls: costs(cpuBefore, cpuAfter, completed),
        errors: unexpected.errors + (accepted.length - kept) + faults.length,
        problems: [
          ...unexpected.problems,
          ...(kept === accepted.length
            ? []
            : [`${accepted.length - kept} accepted calls are not in the ledger`]),
          ...faults,
        ],
        figures: {
          'goodput / unloaded maximum': goodput / most,
          'accepted calls kept': accepted.length === 0 ? 0 : kept / accepted.length,
          'calls made / unloaded maximum': sent / measured.seconds / most,
          'calls due per second': TIMES * most,
          'calls made per second': sent / measured.seconds,
          'calls turned away per second': (sent - completed) / measured.seconds,
        },
      },
    ];
  },
};

/** The maximum rate, measured just before, because the speed of the machine changes within a run. */
async function maximumOf(bench: Bench, target: Target): Promise<number> {
  const name = 'the unloaded maximum';
  const { callsPerSecond, errors } = await measure(bench, { name, target, programs: [] });
  if (errors > 0) bench.log(`${errors} errors while measuring the unloaded maximum`);
  return callsPerSecond;
}

async function keptOf({ stack: { database } }: Bench, keys: readonly string[]): Promise<number> {
  let kept = 0;
  for (let from = 0; from < keys.length; from += KEYS_AT_A_TIME)
    kept += await database.countKept(keys.slice(from, from + KEYS_AT_A_TIME));
  return kept;
}
