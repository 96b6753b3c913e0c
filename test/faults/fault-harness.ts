// Runs two server processes under traffic while a dependency fails, and checks that nothing is lost, doubled or wrong.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type pg from 'pg';
import { type Answer, type ApiClient, grpcClient } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { startServerProcess } from '../processes.ts';
import { assertBooksBalance, ownerPool, peopleOf, serverEnv, type TestDatabase } from '../stack.ts';
import { fundDirectly } from '../test-ledger.ts';
import { type Answered, startTraffic } from '../traffic.ts';
import { until } from '../until.ts';
import { assertNothingLost } from './history.ts';

const USERS = Array.from({ length: 8 }, (_, index) => 8301 + index);
const START = 1_000_000;
/** Callers try until a call is accepted; only UNAVAILABLE, DEADLINE_EXCEEDED and ABORTED are explained by a fault. */
const CALLERS = {
  callers: 12,
  pauseMs: 100,
  retries: Number.POSITIVE_INFINITY,
  isTransient: (answer: Answer | Error) =>
    !(answer instanceof Error) &&
    [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.ABORTED].includes(answer.status),
};
/** The first calls are slow in every process. */
const WARM_UP_CALLS = 200;
/** Before the fault, so long at least and so many calls. */
const CALM_MS = 1_500;
const CALM_CALLS = 100;
/** As promised: every call is accepted so long after the fault is over. */
const RECOVERED_WITHIN_MS = 10_000;
/** They are as fast as before then, too, where no other test keeps the machine busy. */
const AS_FAST_WITHIN_MS = 30_000;
const PROBE_MS = 1_000;

/** What a fault gets to see. */
export interface FaultContext {
  /** The database's owner. */
  readonly db: pg.Pool;
  /** Where the servers take calls. */
  readonly addresses: readonly string[];
  /** What callers have been answered so far. */
  readonly answers: readonly Answered[];
}

/** Something that breaks, for a while; resolves when it is over. */
export type Fault = (context: FaultContext) => Promise<void>;

/** How long the slowest of a hundred took, among those that were accepted. */
function p99(answers: readonly Answered[]): number {
  const times = answers.filter(({ isAccepted }) => isAccepted).map(({ tookMs }) => tookMs);
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

/** Two server processes under which something breaks, again and again. */
export interface FaultHarness {
  /**
   * Lets traffic run, breaks something, mends it, and waits until all is well again. Says how slow accepted calls were,
   * and asserts that nothing was lost, doubled or shown wrongly.
   */
  underTraffic(name: string, fault: Fault): Promise<void>;
  /** Stops the servers; asserts that each ended well. */
  stop(): Promise<void>;
}

/** Starts the servers, with people in their database. */
export async function startFaultHarness(
  database: TestDatabase,
  redisUrl: string,
  env: Record<string, string> = {},
): Promise<FaultHarness> {
  const logDir = mkdtempSync(join(tmpdir(), 'ppuri-faults-'));
  const settings = { ...serverEnv(database, logDir), REDIS_URL: redisUrl, LOG_LEVEL: 'error', ...env };
  await peopleOf(database).addUsers(USERS);
  await fundDirectly(database, USERS, START);
  const key = await makeKey(database);
  const servers = await Promise.all([startServerProcess(settings), startServerProcess(settings)]);
  const clients = servers.map(({ address }) => grpcClient(address, key));
  const db = ownerPool(database);
  let warmUpCalls = WARM_UP_CALLS;
  const underTraffic = async (name: string, fault: Fault) => {
    await runFault(
      { clients, db, addresses: servers.map(({ address }) => address) },
      name,
      fault,
      warmUpCalls,
    );
    warmUpCalls = 0;
  };
  const stop = async () => {
    for (const client of clients) client.close();
    await db.end();
    const codes = await Promise.all(servers.map((server) => server.stop()));
    rmSync(logDir, { recursive: true, force: true });
    assert.deepEqual(codes, [0, 0]);
  };
  return { underTraffic, stop };
}

async function runFault(
  {
    clients,
    db,
    addresses,
  }: { readonly clients: readonly ApiClient[] } & Pick<FaultContext, 'db' | 'addresses'>,
  name: string,
  fault: Fault,
  warmUpCalls: number,
): Promise<void> {
  const startedAt = new Date();
  const traffic = startTraffic({ clients, users: USERS, ...CALLERS });
  const { answers } = traffic.record;
  try {
    await until('the servers are warm', () => answers.length >= warmUpCalls);
    const warmAt = Date.now();
    await sleep(CALM_MS);
    await until('it was calm', () => answers.length >= warmUpCalls + CALM_CALLS);
    const brokeAt = Date.now();
    await fault({ db, answers, addresses });
    const mendedAt = Date.now();
    const calm = answers.filter(({ at }) => at >= warmAt && at < brokeAt);
    await untilCalm(answers, mendedAt, calm);
    const recoveredMs = Date.now() - mendedAt - PROBE_MS;
    await traffic.stop();
    const during = answers.filter(({ at }) => at >= brokeAt && at < mendedAt);
    const refused = during.filter(({ isAccepted }) => !isAccepted).length;
    console.log(
      `${name}: p99 of accepted calls ${p99(calm).toFixed(0)} ms before, ${p99(during).toFixed(0)} ms during; ` +
        `${refused} of ${during.length} refused; all well ${Math.max(0, recoveredMs)} ms after`,
    );
    await assertNothingLost(db, USERS, startedAt, traffic.record);
    await assertBooksBalance(db);
  } finally {
    await traffic.abandon();
  }
}

/** Waits for a second in which every call was accepted, and for one in which they were about as many and as fast as before. */
async function untilCalm(
  answers: readonly Answered[],
  since: number,
  before: readonly Answered[],
): Promise<void> {
  const slowMs = Math.max(5 * p99(before), 100);
  const calmMs = Math.max(CALM_MS, (before.at(-1)?.at ?? 0) - (before[0]?.at ?? 0));
  const fewest = Math.min(20, (before.length * PROBE_MS) / calmMs / 4);
  const lastSecond = () => {
    const last = answers.filter(({ at }) => at > Math.max(since, Date.now() - PROBE_MS));
    const areAccepted =
      Date.now() - since >= PROBE_MS && last.length > 0 && last.every(({ isAccepted }) => isAccepted);
    return { last, areAccepted };
  };
  await until('every call is accepted', () => lastSecond().areAccepted, RECOVERED_WITHIN_MS + PROBE_MS);
  await until(
    'calls are as fast as before',
    () => {
      const { last, areAccepted } = lastSecond();
      return areAccepted && last.length > fewest && p99(last) < slowMs;
    },
    AS_FAST_WITHIN_MS,
  );
}
