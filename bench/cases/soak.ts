// Memory: how much the server uses under ten minutes of load, and with ten thousand connections and streams.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryMiBOf, peakMiBOf } from '../env/process-stats.ts';
import { overGrpc } from './calls.ts';
import type { Case } from './case.ts';
import { costs, cpuOf, errorsIn, latenciesIn, programsOf, start } from './measure.ts';
import { transferCalls } from './transfers.ts';

const SECOND = 1000;
const SOAK_SECONDS = 600;
const NORMAL_SECONDS = 4;
/** Garbage collection moves the memory up and down; its level is the median of this many samples. */
const SAMPLES = 30;
const PROGRAMS = ['server', 'postgres', 'redis'] as const;

/** Uniform transfers without a pause, for ten minutes at the default --seconds. */
export const SOAK: Case = {
  name: 'Memory under 10 minutes of load',
  isLong: true,
  run: async (bench) => {
    const { processes } = bench.stack;
    const { server = 0 } = processes;
    const seconds = (SOAK_SECONDS / NORMAL_SECONDS) * bench.seconds;
    const target = overGrpc(bench, transferCalls(bench.wallets), true);
    const generator = await start(bench, { target }, { kind: 'closed', inFlight: bench.inFlight });
    const pids = { client: generator.pids, ...programsOf({ programs: PROGRAMS }, processes) };
    const cpuBefore = cpuOf(pids);
    generator.record();
    // The level in the first tenth and in the last tenth of the time.
    const tenth = (seconds / 10) * SECOND;
    const early = await levelOf(server, tenth);
    await sleep(8 * tenth);
    const late = await levelOf(server, tenth);
    const cpuAfter = cpuOf(pids);
    const measured = await generator.stop();
    return [
      {
        name: SOAK.name,
        callsPerSecond: measured.completed / measured.seconds,
        ...latenciesIn(measured.latencies),
        cpuSecondsPer1000Calls: costs(cpuBefore, cpuAfter, measured.completed),
        serverPeakMiB: peakMiBOf(server),
        ...errorsIn(measured),
        figures: {
          'MiB in the first minute': early,
          'MiB in the last minute': late,
          'first minute / end': early / late,
        },
      },
    ];
  },
};

/** The median memory of a process in the second half of this time, in MiB. */
async function levelOf(pid: number, ms: number): Promise<number> {
  await sleep(ms / 2);
  const samples: number[] = [];
  for (let index = 0; index < SAMPLES; index++) {
    samples.push(memoryMiBOf(pid));
    await sleep(ms / 2 / SAMPLES);
  }
  return samples.sort((a, b) => a - b)[SAMPLES >> 1] ?? 0;
}

const MANY = 10_000;
const SETTLE_MS = 2 * SECOND;
const PROGRAM = resolve(import.meta.dirname, '../env/hold-open.ts');

export const IDLE_CONNECTIONS = holding('10,000 idle connections', 'connections');
export const OPEN_STREAMS = holding('10,000 open streams', 'streams');

/** The memory of each connection or stream that is open and idle. */
function holding(name: string, what: 'connections' | 'streams'): Case {
  return {
    name,
    isLong: true,
    run: async (bench) => {
      const { server, grpcAddress } = await bench.stack.startAnother();
      await sleep(SETTLE_MS);
      const before = memoryMiBOf(server.pid);
      const begin = performance.now();
      const { child, opened } = await holdOpen(grpcAddress, what);
      const seconds = (performance.now() - begin) / SECOND;
      await sleep(SETTLE_MS);
      const after = memoryMiBOf(server.pid);
      child.kill('SIGKILL');
      await server.stop();
      return [
        {
          name,
          callsPerSecond: opened / seconds,
          p50Ms: 0,
          p99Ms: 0,
          p999Ms: 0,
          cpuSecondsPer1000Calls: {},
          errors: MANY - opened,
          problems: opened === MANY ? [] : [`only ${opened} ${what} could be opened`],
          figures: {
            'server MiB before': before,
            'server MiB with all of them open': after,
            'KiB each': ((after - before) * 1024) / Math.max(opened, 1),
          },
        },
      ];
    },
  };
}

async function holdOpen(address: string, what: string): Promise<{ child: ChildProcess; opened: number }> {
  const child = fork(PROGRAM, [address, what, String(MANY)]);
  const [opened] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [0])])) as [
    number,
  ];
  return { child, opened };
}
