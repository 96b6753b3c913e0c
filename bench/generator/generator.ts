// The load generator: starts processes that make calls, and adds up their results.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Histogram } from './histogram.ts';
import type { WorkerCommand, WorkerMessage, WorkerResult, WorkerTask } from './protocol.ts';

/** Running generator processes. They make calls from the start on, and count them from record() on. */
export interface Generator {
  readonly pids: readonly number[];
  /** Prepares and signs the calls of this many seconds, or the next crowd of a rush; no call is made until it resolves. */
  prepare(seconds?: number): Promise<void>;
  record(): void;
  /** Makes the calls of the crowd that was prepared, and waits until all of them are answered. */
  rush(): Promise<LoadResult>;
  /** Stops counting and calling, and waits for the last answers. */
  stop(): Promise<LoadResult>;
}

/** The results of all processes together. */
export interface LoadResult extends Omit<WorkerResult, 'latencies'> {
  readonly latencies: Histogram;
}

const WORKER = resolve(import.meta.dirname, 'worker.ts');

/** Starts processes that share the task: each gets its share of the callers, the rate and the calls. */
export async function startGenerator(task: WorkerTask, processes = 1): Promise<Generator> {
  const children = Array.from({ length: processes }, () =>
    fork(WORKER, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const tell = (command: WorkerCommand) => {
    for (const child of children) child.send(command);
  };
  try {
    await Promise.all(
      children.map(async (child, index) => {
        const started = next(child, 'started');
        child.send({
          kind: 'start',
          task: shareOf(task, processes),
          index,
          of: processes,
        } satisfies WorkerCommand);
        await started;
      }),
    );
  } catch (error) {
    for (const child of children) child.kill('SIGKILL');
    throw error;
  }
  const results = async (kind: 'rushed' | 'done') => {
    const messages = await Promise.all(children.map((child) => next(child, kind)));
    return sumOf(messages.flatMap((message) => ('result' in message ? [message.result] : [])));
  };
  return {
    pids: children.map(({ pid }) => pid ?? 0),
    prepare: async (seconds = 0) => {
      const prepared = Promise.all(children.map((child) => next(child, 'prepared')));
      tell({ kind: 'prepare', seconds });
      await prepared;
    },
    record: () => tell({ kind: 'record' }),
    rush: () => {
      const rushed = results('rushed');
      tell({ kind: 'record' });
      return rushed;
    },
    stop: async () => {
      const ended = results('done');
      tell({ kind: 'stop' });
      const all = await ended;
      for (const child of children) child.disconnect();
      return all;
    },
  };
}

function shareOf(task: WorkerTask, processes: number): WorkerTask {
  const { model } = task;
  const share = (whole: number) => Math.max(1, Math.round(whole / processes));
  const connections = share(task.connections);
  if (model.kind === 'closed')
    return { ...task, connections, model: { ...model, inFlight: share(model.inFlight) } };
  if (model.kind === 'rush') return { ...task, connections };
  return {
    ...task,
    connections,
    model: {
      ...model,
      perSecond: model.perSecond / processes,
      maxInFlight: share(model.maxInFlight),
    },
  };
}

/** The next message of this kind. Rejects when the process ends first. */
async function next(child: ChildProcess, kind: WorkerMessage['kind']): Promise<WorkerMessage> {
  for (;;) {
    const failed = new AbortController();
    const [message] = (await Promise.race([
      once(child, 'message', { signal: failed.signal }),
      once(child, 'exit', { signal: failed.signal }).then(([code]) => {
        throw new Error(`a process of the load generator ended by itself (exit code ${code})`);
      }),
    ]).finally(() => failed.abort())) as [WorkerMessage];
    if (message.kind === kind) return message;
  }
}

function sumOf(results: readonly WorkerResult[]): LoadResult {
  const latencies = new Histogram();
  const refusals = new Map<string, number>();
  for (const result of results) {
    latencies.merge(new Histogram(result.latencies));
    for (const [reason, count] of result.refusals) refusals.set(reason, (refusals.get(reason) ?? 0) + count);
  }
  const sum = (field: 'sent' | 'completed' | 'dropped') =>
    results.reduce((total, result) => total + result[field], 0);
  const longest = (field: 'seconds' | 'lastOkSeconds') => Math.max(...results.map((result) => result[field]));
  return {
    latencies,
    refusals,
    seconds: longest('seconds'),
    lastOkSeconds: longest('lastOkSeconds'),
    sent: sum('sent'),
    completed: sum('completed'),
    dropped: sum('dropped'),
    accepted: results.flatMap(({ accepted }) => accepted),
  };
}
