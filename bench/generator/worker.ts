// One process of the load generator: takes its task over IPC, makes the calls, and reports the results.
import { setTimeout as sleep } from 'node:timers/promises';
import { createGrpcTarget } from './grpc-target.ts';
import { createPostgresTarget } from './postgres-target.ts';
import { PreparedCalls, type ReadyCall } from './prepared-calls.ts';
import type { LoadModel, WorkerCommand, WorkerMessage, WorkerTask } from './protocol.ts';
import { Recorder } from './recorder.ts';
import { createRestTarget } from './rest-target.ts';
import { idempotencyKeyOf, type TargetClient } from './target.ts';

/** How often the open loop checks for calls that are due. */
const TICK_MS = 1;
/** Prepares this much more than the rate so far needs, because the rate may rise. */
const PREPARE_MORE = 1.5;
/** After this many calls the event loop gets a turn to write them and to read answers. */
const CALLS_A_TURN = 16;

const report = (message: WorkerMessage) => process.send?.(message);
let recorder = new Recorder();
let stopped = false;
let running: Running | undefined;

/** What a load model does at the commands. */
interface Running {
  readonly prepare: (seconds: number) => void;
  readonly record: () => void;
  readonly finish: () => Promise<void> | void;
}

process.on('message', (command: WorkerCommand) => {
  if (command.kind === 'start') void start(command);
  else if (command.kind === 'prepare') prepare(command.seconds);
  else if (command.kind === 'record') running?.record();
  else void stop();
});
process.on('disconnect', () => process.exit(0));

async function start({ task, index, of }: Extract<WorkerCommand, { kind: 'start' }>): Promise<void> {
  const client = await createClient(task);
  const make = async ({ n, send }: ReadyCall, startedAt: number) =>
    recorder.note(await send(), startedAt, task.keepAccepted ? idempotencyKeyOf(n) : undefined);
  const { model } = task;
  if (model.kind === 'rush') {
    running = rush(client, numbersOf(model.callers, index, of), make);
    report({ kind: 'started' });
    return;
  }
  // The processes take turns with the numbers, so that no two make the same call.
  let calls = 0;
  const next = () => index + of * calls++;
  const prepared = new PreparedCalls(client, next);
  const startedAt = performance.now();
  // Preparing delays the schedule of the open loop, because no call can be made meanwhile.
  let delayMs = 0;
  const loop =
    model.kind === 'closed'
      ? closedLoop(model.inFlight, prepared, make)
      : openLoop(model, () => startedAt + delayMs, prepared, make);
  running = {
    prepare: (seconds) => {
      const at = performance.now();
      const perSecond = (calls / (at - startedAt)) * 1000;
      prepared.fill(Math.ceil(perSecond * seconds * PREPARE_MORE));
      delayMs += performance.now() - at;
    },
    record: () => recorder.record(),
    finish: async () => {
      await loop;
      await client.close();
    },
  };
  report({ kind: 'started' });
}

type Make = (call: ReadyCall, startedAt: number) => Promise<void>;

async function closedLoop(inFlight: number, prepared: PreparedCalls, make: Make): Promise<void> {
  const caller = async () => {
    while (!stopped) {
      const call = prepared.take();
      recorder.send();
      await make(call, performance.now());
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

async function openLoop(
  { perSecond, maxInFlight }: Extract<LoadModel, { kind: 'open' }>,
  beginsAt: () => number,
  prepared: PreparedCalls,
  make: Make,
): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  let made = 0;
  for (let after = 0; !stopped; await sleep(TICK_MS)) {
    for (; beginsAt() + after <= performance.now() && !stopped; after += 1000 / perSecond) {
      const due = beginsAt() + after;
      if (inFlight.size >= maxInFlight) {
        recorder.drop();
        continue;
      }
      recorder.send();
      const call: Promise<void> = make(prepared.take(), due).finally(() => inFlight.delete(call));
      inFlight.add(call);
      if (++made % CALLS_A_TURN === 0) await new Promise(setImmediate);
    }
  }
  await Promise.all(inFlight);
}

/** The numbers of a process's calls in one crowd after the other: every process has some of each. */
function* numbersOf(callers: number, index: number, of: number): Generator<readonly number[], never> {
  for (let first = 0; ; first += callers) {
    const numbers = [];
    for (let n = first + index; n < first + callers; n += of) numbers.push(n);
    yield numbers;
  }
}

/** Signs the calls of a crowd when it prepares, and makes them all when recording begins. */
function rush(client: TargetClient, crowds: Generator<readonly number[], never>, make: Make): Running {
  let ready: ReadyCall[] = [];
  const makeAll = async () => {
    recorder = new Recorder();
    recorder.record();
    const answers: Promise<void>[] = [];
    for (const call of ready) {
      recorder.send();
      answers.push(make(call, performance.now()));
      if (answers.length % CALLS_A_TURN === 0) await new Promise(setImmediate);
    }
    await Promise.all(answers);
    recorder.stop();
    report({ kind: 'rushed', result: recorder.result() });
  };
  return {
    prepare: () => {
      ready = crowds.next().value.map((n) => ({ n, send: client.prepare(n) }));
    },
    record: () => void makeAll(),
    finish: () => client.close(),
  };
}

async function createClient(task: WorkerTask): Promise<TargetClient> {
  const { target } = task;
  if (target.kind === 'grpc') return createGrpcTarget(target, task);
  if (target.kind === 'postgres') return createPostgresTarget(target, task);
  return createRestTarget(target, task);
}

function prepare(seconds: number): void {
  running?.prepare(seconds);
  report({ kind: 'prepared' });
}

async function stop(): Promise<void> {
  recorder.stop();
  stopped = true;
  await running?.finish();
  report({ kind: 'done', result: recorder.result() });
}
