// The load generator from outside: processes that make calls, and what all of them together saw.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Histogram } from './histogram.ts';
import type { Load, Order, Report, Work } from './work.ts';

/** Generator processes at work: from here on they make calls, which count from record() on. */
export interface Generator {
  readonly pids: readonly number[];
  /** Makes the calls of so many seconds ready, signatures and all; until it resolves none is made. */
  prepare(seconds: number): Promise<void>;
  record(): void;
  /** Ends the time that counts and the calls, and waits for the last answers. */
  stop(): Promise<Loads>;
  /** For a rush, which ends by itself. */
  done(): Promise<Loads>;
}

/** What all processes saw together; see Load. */
export interface Loads extends Omit<Load, 'latencies'> {
  readonly latencies: Histogram;
}

const WORKER = resolve(import.meta.dirname, 'worker.ts');

/** Starts so many processes, which share the work: each has its part of the callers, of the rate and of the calls. */
export async function startGenerator(work: Work, processes = 1): Promise<Generator> {
  const children = Array.from({ length: processes }, () =>
    fork(WORKER, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const tell = (order: Order) => {
    for (const child of children) child.send(order);
  };
  try {
    await Promise.all(
      children.map(async (child, index) => {
        const started = next(child, 'started');
        child.send({ kind: 'start', work: shareOf(work, processes), index, of: processes } satisfies Order);
        await started;
      }),
    );
  } catch (error) {
    for (const child of children) child.kill('SIGKILL');
    throw error;
  }
  const end = async () => {
    const reports = await Promise.all(children.map((child) => next(child, 'done')));
    for (const child of children) child.disconnect();
    return sumOf(reports.flatMap((report) => (report.kind === 'done' ? [report.load] : [])));
  };
  return {
    pids: children.map(({ pid }) => pid ?? 0),
    prepare: async (seconds) => {
      const prepared = Promise.all(children.map((child) => next(child, 'prepared')));
      tell({ kind: 'prepare', seconds });
      await prepared;
    },
    record: () => tell({ kind: 'record' }),
    stop: () => {
      const ended = end();
      tell({ kind: 'stop' });
      return ended;
    },
    done: end,
  };
}

function shareOf(work: Work, processes: number): Work {
  const { pace } = work;
  const share = (whole: number) => Math.max(1, Math.round(whole / processes));
  const connections = share(work.connections);
  if (pace.kind === 'closed')
    return { ...work, connections, pace: { ...pace, inFlight: share(pace.inFlight) } };
  if (pace.kind === 'rush') return { ...work, connections };
  return {
    ...work,
    connections,
    pace: {
      ...pace,
      perSecond: pace.perSecond / processes,
      mostUnderWay: share(pace.mostUnderWay),
    },
  };
}

async function next(child: ChildProcess, kind: Report['kind']): Promise<Report> {
  for (;;) {
    const failed = new AbortController();
    const [report] = (await Promise.race([
      once(child, 'message', { signal: failed.signal }),
      once(child, 'exit', { signal: failed.signal }).then(([code]) => {
        throw new Error(`a process of the load generator ended by itself (exit code ${code})`);
      }),
    ]).finally(() => failed.abort())) as [Report];
    if (report.kind === kind) return report;
  }
}

function sumOf(loads: readonly Load[]): Loads {
  const latencies = new Histogram();
  const refusals = new Map<string, number>();
  for (const load of loads) {
    latencies.merge(new Histogram(load.latencies));
    for (const [words, count] of load.refusals) refusals.set(words, (refusals.get(words) ?? 0) + count);
  }
  const sum = (field: 'sent' | 'completed' | 'held') => loads.reduce((total, load) => total + load[field], 0);
  const longest = (field: 'seconds' | 'lastOkSeconds') => Math.max(...loads.map((load) => load[field]));
  return {
    latencies,
    refusals,
    seconds: longest('seconds'),
    lastOkSeconds: longest('lastOkSeconds'),
    sent: sum('sent'),
    completed: sum('completed'),
    held: sum('held'),
    accepted: loads.flatMap(({ accepted }) => accepted),
  };
}
