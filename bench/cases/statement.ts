// Statements: how fast a client is sent the whole history of a wallet over gRPC, and what that takes of the server's memory.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { connect } from '../../clients/typescript/src/connection.ts';
import type { ForkedProgram } from '../../scripts/dev/programs.ts';
import { memoryMiBOf, peakMiBOf, resetPeak } from '../env/process-stats.ts';
import { seedWallets, vacuumAnalyze, type Wallet, walletsOf } from '../env/seed.ts';
import { overGrpc, owner, pickRandom, transferBetween } from './calls.ts';
import { type Bench, type Case, type Result, requireKey } from './case.ts';
import { costs, cpuOf, errorsIn, programsOf, start } from './measure.ts';
import { BATCH, transferCalls } from './transfers.ts';

const ROWS = 300_000;
const FIRST_USER = 2_000_001;
/** Transfers of a call that makes the history, the most that there may be, and calls at a time. */
const ITEMS = 1000;
const AT_A_TIME = 4;
/** Exports of a server; the first one runs code that is not compiled yet. */
const EXPORTS = 3;
const PROGRAMS = ['server', 'postgres'] as const;
const FORMATS = { CSV: 'STATEMENT_FORMAT_CSV', NDJSON: 'STATEMENT_FORMAT_NDJSON' } as const;
type Format = keyof typeof FORMATS;
/** After an export, until its memory is free. */
const SETTLE_MS = 1000;
const NEWLINE = 0x0a;
const PROBE = pathToFileURL(resolve(import.meta.dirname, '../env/held-memory.ts')).href;

/** Each has a server of its own that has answered transfers for the time of a warm-up and exported nothing yet. */
export const STATEMENT: Case = {
  name: 'Statement of 300,000 transfers',
  isLong: true,
  run: async (bench) => {
    const wallet = await makeHistory(bench);
    const results: Result[] = [];
    for (const format of Object.keys(FORMATS) as Format[]) {
      const { server, ...warm } = await withWarmServer(bench);
      results.push(await measureExports(warm, wallet, format));
      await server.stop();
    }
    return [...results, await measureHeld(bench, wallet)];
  },
};

/** A wallet that has made all of its transfers through the API: with a memo each, to a thousand others. */
async function makeHistory(bench: Bench): Promise<Wallet> {
  const { database, grpcAddress } = bench.stack;
  bench.log(`making ${ROWS.toLocaleString('en')} transfers of one wallet`);
  await seedWallets(database, { firstUser: FIRST_USER, wallets: 1, deposits: 1 });
  const [wallet] = await walletsOf(database, FIRST_USER, 1);
  if (!wallet) throw new Error('the wallet of the statement is missing');
  const connection = connect(grpcAddress, requireKey(bench));
  let made = 0;
  const pay = async () => {
    while (made < ROWS) {
      const first = made;
      made += ITEMS;
      const items = Array.from({ length: ITEMS }, (_, index) => ({
        ...transferBetween(wallet, pickRandom(bench.wallets)),
        memo: `점심 ${first + index}`,
      }));
      const identity = { ...owner(wallet), idempotencyKey: randomUUID() };
      await connection.call(BATCH, { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' }, identity);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, pay));
  connection.close();
  await vacuumAnalyze(database);
  return wallet;
}

async function withWarmServer(
  all: Bench,
  more: Record<string, string> = {},
  flags: readonly string[] = [],
): Promise<Bench & { readonly server: ForkedProgram }> {
  const { server, grpcAddress } = await all.stack.startAnother(more, flags);
  const processes = { ...all.stack.processes, server: server.pid };
  const bench = { ...all, stack: { ...all.stack, grpcAddress, processes } };
  const target = overGrpc(bench, transferCalls(bench.wallets), true);
  const generator = await start(bench, { target }, { kind: 'closed', inFlight: bench.inFlight });
  generator.record();
  await sleep(bench.warmUpSeconds * 1000);
  const { problems } = errorsIn(await generator.stop());
  if (problems.length > 0) throw new Error(`the warm-up: ${problems.join(', ')}`);
  return { ...bench, server };
}

async function measureExports(bench: Bench, wallet: Wallet, format: Format): Promise<Result> {
  const { processes } = bench.stack;
  const { server = 0 } = processes;
  const pids = programsOf({ programs: PROGRAMS }, processes);
  const memory = memoryMiBOf(server);
  resetPeak(server);
  const [before, begin] = [cpuOf(pids), process.cpuUsage()];
  const exports: Exported[] = [];
  for (let turn = 0; turn < EXPORTS; turn++) exports.push(await exportAll(bench, wallet, FORMATS[format]));
  const client = process.cpuUsage(begin);
  const all = EXPORTS * ROWS;
  const { server: served = 0, postgres = 0 } = costs(before, cpuOf(pids), all);
  const cpu = { client: (client.user + client.system) / 1000 / all, server: served, postgres };
  const rates = exports.map(({ seconds }) => ROWS / seconds).sort((a, b) => a - b);
  const [lowest = 0, median = 0] = rates;
  // Besides the transfers: the deposit before them, the balances at both ends, and the head of CSV.
  const wrong = exports.filter(({ lines }) => lines - ROWS !== (format === 'NDJSON' ? 3 : 4));
  const peak = peakMiBOf(server);
  return {
    name: `${STATEMENT.name}, ${format}`,
    // Each row counts as a call.
    callsPerSecond: median,
    p50Ms: 0,
    p99Ms: 0,
    p999Ms: 0,
    cpuSecondsPer1000Calls: cpu,
    serverPeakMiB: peak,
    errors: wrong.length,
    problems: wrong.map(({ lines }) => `a statement of ${lines} lines`),
    figures: {
      'rows a second, the first export': ROWS / (exports[0]?.seconds ?? 0),
      'rows a second, lowest': lowest,
      'MB a second': (exports[0]?.bytes ?? 0) / 1e6 / (ROWS / median),
      'CPU µs a row: client': cpu.client * 1000,
      'CPU µs a row: server': served * 1000,
      'CPU µs a row: Postgres': postgres * 1000,
      'server MiB before': memory,
      'MiB that it grew at most': peak - memory,
    },
  };
}

/** What an export holds once all garbage is collected, as often as that leaves the server time for its work. */
async function measureHeld(bench: Bench, wallet: Wallet): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-bench-held-'));
  const file = join(folder, 'held');
  const samples = () => readFileSync(file, 'utf8').trim().split('\n').map(Number);
  try {
    const settings = { HELD_MEMORY_FILE: file };
    const { server, ...probed } = await withWarmServer(bench, settings, ['--expose-gc', '--import', PROBE]);
    await exportAll(probed, wallet, FORMATS.CSV);
    await sleep(SETTLE_MS);
    const before = samples();
    const { lines, seconds } = await exportAll(probed, wallet, FORMATS.CSV);
    const during = samples().slice(before.length);
    await server.stop();
    const [held, most] = [before.at(-1) ?? 0, Math.max(...during)];
    return {
      name: `${STATEMENT.name}, what is held while garbage is collected all the time`,
      callsPerSecond: lines / seconds,
      p50Ms: 0,
      p99Ms: 0,
      p999Ms: 0,
      cpuSecondsPer1000Calls: {},
      errors: 0,
      problems: [],
      figures: {
        'MB held before': held / 1e6,
        'MB held at most': most / 1e6,
        'MB held by a statement at most': (most - held) / 1e6,
        samples: during.length,
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Exported {
  readonly lines: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** Exports everything as a client does, which checks that the last line has come, and keeps nothing of it. */
async function exportAll(bench: Bench, wallet: Wallet, format: string): Promise<Exported> {
  const connection = connect(bench.stack.grpcAddress, requireKey(bench));
  const begin = performance.now();
  let [lines, bytes] = [0, 0];
  for await (const piece of connection.statement({ wallet_id: wallet.id, format }, owner(wallet))) {
    bytes += piece.length;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) lines += 1;
  }
  const seconds = (performance.now() - begin) / 1000;
  connection.close();
  return { lines, bytes, seconds };
}
