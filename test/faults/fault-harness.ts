// Runs two server processes under traffic while a dependency fails, and checks that nothing is lost, doubled or wrong.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type pg from 'pg';
import { type Answer, grpcClient } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { startServerProcess } from '../processes.ts';
import { assertBooksBalance, ownerPool, peopleOf, serverEnv, type TestDatabase } from '../stack.ts';
import { type Answered, startTraffic, type Traffic } from '../traffic.ts';
import { assertNothingLost } from './history.ts';

const USERS = Array.from({ length: 8 }, (_, index) => 8301 + index);
const START = 1_000_000;
/** Callers try until a call is accepted; only UNAVAILABLE, DEADLINE_EXCEEDED and ABORTED are explained by a fault. */
const CALLERS = {
  callers: 12,
  pauseMs: 20,
  retries: Number.POSITIVE_INFINITY,
  isTransient: (answer: Answer | Error) =>
    !(answer instanceof Error) &&
    [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.ABORTED].includes(answer.status),
};
/** The first calls are slow in every process. */
const WARM_UP_MS = 1_500;
const CALM_MS = 1_500;
/** As promised: everything is as before so long after the fault is over. */
const RECOVERED_WITHIN_MS = 10_000;
const PROBE_MS = 1_000;

/** Something that breaks, for a while; resolves when it is over. */
export type Fault = (context: { readonly db: pg.Pool }) => Promise<void>;

/** How long the slowest of a hundred took, among those that were accepted. */
function p99(answers: readonly Answered[]): number {
  const times = answers.filter(({ isAccepted }) => isAccepted).map(({ tookMs }) => tookMs);
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

/**
 * Lets traffic run, breaks something, mends it, and waits until all is well again. Says how slow accepted calls were,
 * and asserts that nothing was lost, doubled or shown wrongly.
 */
export async function underTraffic(
  name: string,
  database: TestDatabase,
  redisUrl: string,
  fault: Fault,
  env: Record<string, string> = {},
): Promise<void> {
  const logDir = mkdtempSync(join(tmpdir(), 'ppuri-faults-'));
  const settings = { ...serverEnv(database, logDir), REDIS_URL: redisUrl, LOG_LEVEL: 'error', ...env };
  const key = await makeKey(database);
  const servers = await Promise.all([startServerProcess(settings), startServerProcess(settings)]);
  const clients = servers.map(({ address }) => grpcClient(address, key));
  const db = ownerPool(database);
  let traffic: Traffic | undefined;
  try {
    const people = peopleOf(database, clients[0]);
    await people.addUsers(USERS).catch(() => {});
    await people.fund(USERS, START);
    const startedAt = new Date();
    traffic = startTraffic({ clients, users: USERS, ...CALLERS });
    await sleep(WARM_UP_MS);
    const warmAt = Date.now();
    await sleep(CALM_MS);
    const brokeAt = Date.now();
    await fault({ db });
    const mendedAt = Date.now();
    const calm = traffic.record.answers.filter(({ at }) => at >= warmAt && at < brokeAt);
    await untilCalm(traffic.record.answers, mendedAt, calm);
    const recoveredMs = Date.now() - mendedAt - PROBE_MS;
    await traffic.stop();
    const during = traffic.record.answers.filter(({ at }) => at >= brokeAt && at < mendedAt);
    const refused = during.filter(({ isAccepted }) => !isAccepted).length;
    console.log(
      `${name}: p99 of accepted calls ${p99(calm).toFixed(0)} ms before, ${p99(during).toFixed(0)} ms during; ` +
        `${refused} of ${during.length} refused; all well ${Math.max(0, recoveredMs)} ms after`,
    );
    await assertNothingLost(db, USERS, startedAt, traffic.record);
    await assertBooksBalance(db);
  } finally {
    await traffic?.abandon();
    for (const client of clients) client.close();
    for (const server of servers) assert.equal(await server.stop(), 0);
    await db.end();
    rmSync(logDir, { recursive: true, force: true });
  }
}

/** Waits for a second in which every call was accepted, about as many and as fast as before the fault. */
async function untilCalm(
  answers: readonly Answered[],
  since: number,
  before: readonly Answered[],
): Promise<void> {
  const slowMs = Math.max(5 * p99(before), 100);
  const fewest = Math.min(20, (before.length * PROBE_MS) / CALM_MS / 4);
  const giveUpAt = since + RECOVERED_WITHIN_MS + PROBE_MS;
  for (;;) {
    await sleep(PROBE_MS / 4);
    const last = answers.filter(({ at }) => at > Math.max(since, Date.now() - PROBE_MS));
    const isCalm =
      Date.now() - since >= PROBE_MS && last.length > fewest && last.every(({ isAccepted }) => isAccepted);
    if (isCalm && p99(last) < slowMs) return;
    assert.ok(Date.now() < giveUpAt, `not well again after ${RECOVERED_WITHIN_MS / 1000} seconds`);
  }
}
