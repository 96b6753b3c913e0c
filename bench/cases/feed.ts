// The feed: what it costs to seal transfers and to keep the log of them while a server is fully loaded, and how soon afterwards
// events are streamed and sent to a webhook.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Json } from '../../clients/typescript/src/connection.ts';
import { v2Event } from '../../clients/typescript/src/index.ts';
import { cpuSecondsOf } from '../env/process-stats.ts';
import { Histogram } from '../generator/histogram.ts';
import type { LoadModel } from '../generator/protocol.ts';
import { overGrpc } from './calls.ts';
import { type Bench, type Case, type Result, requireKey } from './case.ts';
import { caughtUp } from './caught-up.ts';
import { costs, cpuOf, errorsIn, latenciesIn, prepare, programsOf, start } from './measure.ts';
import { transferCalls } from './transfers.ts';

const SETTINGS = { WEBHOOKS_TO_LOOPBACK: 'true' };
const PROGRAMS = ['server', 'postgres', 'redis'] as const;
const POSTED = 'transfer.posted';
/** How much of the full load there is while events are streamed; their reader needs the machine, too. */
const STREAMED_SHARE = 0.5;
/** Transfers a second while a webhook is sent each of them. */
const SENT_PER_SECOND = 100;
/** The bound on calls in flight in an open loop. */
const MAX_IN_FLIGHT = 20_000;
/** How long events are waited for after the last call. */
const LATE_MS = 3000;

/** The worker runs only for this case, and does nothing else but look for work. */
export const FEED: Case = {
  name: 'Seal and log: CreateTransfer, 1,000 wallets',
  isLong: true,
  run: async (all) => {
    const { server, grpcAddress } = await all.stack.startAnother(SETTINGS);
    const processes = { ...all.stack.processes, server: server.pid };
    const bench = { ...all, stack: { ...all.stack, grpcAddress, processes } };
    const worker = await bench.stack.startWorker(SETTINGS);
    try {
      const full = await measureCosts(bench, worker.pid);
      const { callsPerSecond } = full;
      return [
        full,
        await measureNews(
          bench,
          'events of half that load, streamed',
          STREAMED_SHARE * callsPerSecond,
          streamed,
        ),
        await measureNews(
          bench,
          `events of ${SENT_PER_SECOND} a second, sent to a webhook`,
          SENT_PER_SECOND,
          sent,
        ),
      ];
    } finally {
      await worker.stop();
    }
  },
};

/** The CPU time of each program and of the worker's sessions, in seconds, and how many transfers are in the log. */
interface Count {
  readonly cpu: Readonly<Record<string, number>>;
  readonly sessions: ReadonlyMap<number, number>;
  readonly logged: number;
}

async function measureCosts(bench: Bench, worker: number): Promise<Result> {
  const target = overGrpc(bench, transferCalls(bench.wallets), true);
  const pids = { ...programsOf({ programs: PROGRAMS }, bench.stack.processes), worker: [worker] };
  await caughtUp(bench);
  const generator = await start(bench, { target }, { kind: 'closed', inFlight: bench.inFlight });
  await sleep(bench.warmUpSeconds * 1000);
  await prepare(generator, bench);
  const all = { ...pids, client: generator.pids };
  const before = await countOf(bench, all);
  generator.record();
  await sleep(bench.seconds * 1000);
  const after = await countOf(bench, all);
  const measured = await generator.stop();
  await caughtUp(bench);
  await sleep(LATE_MS);
  const restBefore = await countOf(bench, pids);
  await sleep(bench.seconds * 1000);
  const restAfter = await countOf(bench, pids);
  const { completed } = measured;
  const logged = after.logged - before.logged;
  const cpu = costs(before.cpu, after.cpu, completed);
  const sessions = sessionSeconds(before, after);
  const spent = (after.cpu.worker ?? 0) - (before.cpu.worker ?? 0) + sessions;
  const rest =
    (restAfter.cpu.worker ?? 0) - (restBefore.cpu.worker ?? 0) + sessionSeconds(restBefore, restAfter);
  const ledger = (cpu.server ?? 0) + (cpu.postgres ?? 0) - (sessions * 1000) / completed;
  const perThousand = (seconds: number) => (seconds * 1000) / Math.max(logged, 1);
  return {
    name: FEED.name,
    callsPerSecond: completed / measured.seconds,
    ...latenciesIn(measured.latencies),
    cpuSecondsPer1000Calls: cpu,
    ...errorsIn(measured),
    figures: {
      'worker, CPU s for 1,000 in the log': perThousand(spent - sessions),
      'its sessions, CPU s for 1,000 in the log': perThousand(sessions),
      'at rest, CPU ms a second': (rest * 1000) / bench.seconds,
      'worker and its sessions / server and Postgres': perThousand(spent) / ledger,
      'the same above rest': perThousand(spent - rest) / ledger,
      'in the log / transfers': logged / completed,
    },
  };
}

async function countOf(bench: Bench, pids: Readonly<Record<string, readonly number[]>>): Promise<Count> {
  const { database } = bench.stack;
  const sessions = await database.rows<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE usename = 'ppuri_worker'`,
  );
  const [log] = await database.rows<{ size: string }>('SELECT size FROM transparency_log');
  return {
    cpu: cpuOf(pids),
    sessions: new Map(sessions.map(({ pid }) => [pid, cpuSecondsOf(pid)])),
    logged: Number(log?.size ?? 0),
  };
}

/** What the worker's sessions took between two counts. Those that seal and log are open all the time. */
function sessionSeconds(before: Count, after: Count): number {
  return [...after.sessions].reduce((sum, [pid, cpu]) => sum + cpu - (before.sessions.get(pid) ?? 0), 0);
}

/** Listens to news of transfers, and counts for each how long after the transfer's moment it came. */
type Listen = (bench: Bench, told: (happenedAtMs: number) => void) => Promise<AsyncDisposable>;

/** How late news of transfers come. Their moment is before their commit, so that it is somewhat less than what is measured. */
async function measureNews(bench: Bench, what: string, perSecond: number, listen: Listen): Promise<Result> {
  const delays = new Histogram();
  let isMeasured = false;
  await using _listening = await listen(bench, (happenedAtMs) => {
    if (isMeasured) delays.add(Date.now() - happenedAtMs);
  });
  const target = overGrpc(bench, transferCalls(bench.wallets), true);
  const model: LoadModel = { kind: 'open', perSecond, maxInFlight: MAX_IN_FLIGHT };
  const generator = await start(bench, { target }, model);
  await sleep(bench.warmUpSeconds * 1000);
  await prepare(generator, bench);
  isMeasured = true;
  generator.record();
  await sleep(bench.seconds * 1000);
  const measured = await generator.stop();
  await sleep(LATE_MS);
  const told = delays.total;
  const lost = Math.max(0, measured.completed - told);
  const { errors, problems } = errorsIn(measured);
  return {
    name: `${FEED.name}, ${what}`,
    callsPerSecond: measured.completed / measured.seconds,
    ...latenciesIn(delays),
    cpuSecondsPer1000Calls: {},
    errors: errors + lost,
    problems: [...problems, ...(lost === 0 ? [] : [`${lost} events did not come within ${LATE_MS} ms`])],
    figures: { 'p99 of the calls, ms': measured.latencies.at(0.99) },
  };
}

const streamed: Listen = async (bench, told) => {
  const connection = connect(bench.stack.grpcAddress, requireKey(bench));
  const stopping = new AbortController();
  const { streamEvents } = connection.typed(v2Event.EventServiceService);
  const read = async () => {
    const request = { afterCursor: 'latest', types: [POSTED] };
    for await (const { type, occurredAt } of streamEvents(request, {}, { signal: stopping.signal }))
      if (type === POSTED && occurredAt) told(Number(occurredAt.seconds) * 1000 + occurredAt.nanos / 1e6);
  };
  const reading = read().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await reading;
      connection.close();
    },
  };
};

const sent: Listen = async (bench, told) => {
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { time } = JSON.parse(Buffer.concat(chunks).toString()) as { time: string };
    told(Date.parse(time));
    response.writeHead(204).end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const connection = connect(bench.stack.grpcAddress, requireKey(bench));
  const service = 'wallet.v2.WebhookService';
  const { webhook } = await connection.call(`${service}/CreateWebhook`, { url, types: [POSTED] });
  const { webhook_id } = webhook as Json;
  return {
    [Symbol.asyncDispose]: async () => {
      await connection.call(`${service}/DeleteWebhook`, { webhook_id: String(webhook_id) });
      connection.close();
      receiver.close();
      receiver.closeAllConnections();
    },
  };
};
