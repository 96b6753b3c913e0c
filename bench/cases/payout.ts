// A payout of 100,000 lines, from StartPayout to its last line, paid by a worker process.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, connect, type Json } from '../../clients/typescript/src/connection.ts';
import type { ForkedProgram } from '../../scripts/dev/programs.ts';
import { vacuumAnalyze, type Wallet } from '../env/seed.ts';
import { owner, pickRandom, won } from './calls.ts';
import { type Bench, type Case, type Result, requireKey } from './case.ts';
import { caughtUp } from './caught-up.ts';
import { costs, cpuOf } from './measure.ts';

const SERVICE = 'wallet.v2.PayoutService';
const LINES = 100_000;
/** A new worker is slow until its code is compiled. */
const WARM_UP_LINES = 10_000;
/** The most lines of one call. */
const CHUNK = 1000;
const POLL_MS = 100;
const TIMEOUT_MS = 5 * 60_000;

/** The worker runs only for this case, because its periodic jobs would disturb the others. */
export const PAYOUT: Case = {
  name: 'Payout of 100,000 lines',
  run: async (bench) => {
    const worker = await bench.stack.startWorker();
    const connection = connect(bench.stack.grpcAddress, requireKey(bench));
    try {
      const warmUp = await draft(bench, connection, WARM_UP_LINES);
      await pay(connection, warmUp, WARM_UP_LINES);
      const measured = await draft(bench, connection, LINES);
      await vacuumAnalyze(bench.stack.database);
      // The cases before had no worker, and what they posted is yet to be sealed.
      await caughtUp(bench);
      return [await measurePaying(bench, connection, measured, worker)];
    } finally {
      connection.close();
      await worker.stop();
    }
  },
};

interface Draft {
  readonly id: string;
  readonly payer: Wallet;
}

/** Creates a draft of lines of one won each to random wallets; this is not measured. */
async function draft({ wallets }: Bench, connection: Connection, lines: number): Promise<Draft> {
  const payer = pickRandom(wallets);
  const request = { wallet_id: payer.id, mode: 'PAYOUT_MODE_EACH' };
  const { payout } = await connection.call(`${SERVICE}/CreatePayout`, request, moving(payer));
  const id = String((payout as Json).payout_id);
  for (let first = 1; first <= lines; first += CHUNK) {
    const chunk = Array.from({ length: CHUNK }, () => ({
      wallet_id: pickRandom(wallets, payer).id,
      amount: won(1),
    }));
    const request = { payout_id: id, first_line: first, lines: chunk };
    await connection.call(`${SERVICE}/AddPayoutLines`, request, owner(payer));
  }
  return { id, payer };
}

/** Starts the payout and waits for its end. */
async function pay(connection: Connection, { id, payer }: Draft, lines: number): Promise<Json> {
  const request = { payout_id: id, line_count: lines };
  await connection.call(`${SERVICE}/StartPayout`, request, moving(payer));
  for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; await sleep(POLL_MS)) {
    const { payout } = await connection.call(`${SERVICE}/GetPayout`, { payout_id: id }, owner(payer));
    if ((payout as Json).state === 'PAYOUT_STATE_DONE') return payout as Json;
  }
  throw new Error('the payout did not end');
}

async function measurePaying(
  { stack }: Bench,
  connection: Connection,
  payout: Draft,
  worker: ForkedProgram,
): Promise<Result> {
  const { postgres, redis } = stack.processes;
  const pids = { worker: [worker.pid], postgres: [postgres ?? 0], redis: [redis ?? 0] };
  const [before, cpuBefore] = [await stack.database.progress(), cpuOf(pids)];
  const begin = performance.now();
  const { paid_count } = await pay(connection, payout, LINES);
  const seconds = (performance.now() - begin) / 1000;
  const [after, cpuAfter] = [await stack.database.progress(), cpuOf(pids)];
  const lost = LINES - Number(paid_count);
  return {
    name: PAYOUT.name,
    // Each line counts as a call, like each share of a rush.
    callsPerSecond: LINES / seconds,
    p50Ms: 0,
    p99Ms: 0,
    p999Ms: 0,
    cpuSecondsPer1000Calls: costs(cpuBefore, cpuAfter, LINES),
    commitsPerTransfer: Number(after.transactions - before.transactions) / LINES,
    walBytesPerTransfer: Number(after.walBytes - before.walBytes) / LINES,
    diskBytesPerTransfer: Number(after.dataBytes - before.dataBytes) / LINES,
    errors: lost,
    problems: lost === 0 ? [] : [`${lost} lines were not paid`],
    figures: { 'seconds from StartPayout to the end': seconds },
  };
}

function moving(payer: Wallet) {
  return { ...owner(payer), idempotencyKey: randomUUID() };
}
