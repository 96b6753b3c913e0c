// What archiving WAL and taking a base backup cost callers: the same transfers without either, with the one, and with both.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { changeOwner, commandLine, findUnprivileged } from '../../scripts/dev/postgres.ts';
import type { Database } from '../env/database.ts';
import { vacuumAnalyze } from '../env/seed.ts';
import { overGrpc } from './calls.ts';
import type { Bench, Case, Result } from './case.ts';
import { measure } from './measure.ts';
import { transferCalls } from './transfers.ts';

/** Rounds in which everything is measured one after the other, so that the machine's mood meets all alike. */
const ROUNDS = 3;
const NAMES = ['not archived', 'archived', 'archived, beside a base backup'] as const;
type Name = (typeof NAMES)[number];
/** A backup of so many rows of 4 KB takes longer than a measurement. */
const ROWS = 125_000;
const SCRIPTS = resolve(import.meta.dirname, '../../scripts');

/** The results are the medians of the rounds, with the ratios of each round. */
export const RECOVERY: Case = {
  name: 'WAL archiving: CreateTransfer, 1,000 wallets',
  isLong: true,
  run: async (bench) => {
    const { database } = bench.stack;
    await database.run(`CREATE TABLE ballast AS
      SELECT (SELECT string_agg(md5(row::text || part), '') FROM generate_series(1, 120) AS part) FROM generate_series(1, ${ROWS}) AS row`);
    await using archiver = await startArchiver();
    const archiving: Bench = {
      ...bench,
      stack: { ...bench.stack, processes: { ...bench.stack.processes, archiver: archiver.pid } },
    };
    // The first seconds on new tables cost Postgres several times as much, whether WAL is archived or not.
    await measureOne(archiving, 'not archived', archiver);
    await vacuumAnalyze(database);
    const rounds = new Map<Name, Result[]>(NAMES.map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++)
      for (const name of round % 2 === 0 ? NAMES : NAMES.toReversed())
        rounds.get(name)?.push(await measureOne(archiving, name, archiver));
    await setCommand(database, 'true');
    return NAMES.map((name) => summary(name, rounds));
  },
};

interface Archiver extends AsyncDisposable {
  readonly pid: number;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** As docs/recovery.md says, encrypted, to a folder on the same disk. */
async function startArchiver(): Promise<Archiver> {
  const how = findUnprivileged();
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-bench-archive-'));
  changeOwner(how, folder, process.execPath);
  const socket = join(folder, 'archive.sock');
  const env = {
    BACKUP_URL: join(folder, 'backups'),
    BACKUP_RECIPIENTS: await identityToRecipient(await generateIdentity()),
    ARCHIVE_SOCKET: socket,
  };
  const { command, args } = commandLine(how, process.execPath, [join(SCRIPTS, 'archive.ts')]);
  const child = spawn(command, args, {
    ...how.user,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    command: `curl -sS --fail-with-body --unix-socket ${socket} -d "$PWD/%p" http://archive/`,
    env,
    [Symbol.asyncDispose]: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

async function setCommand(database: Database, command: string): Promise<void> {
  await database.run(`ALTER SYSTEM SET archive_command = '${command}'`);
  await database.run('SELECT pg_reload_conf()');
}

async function measureOne(bench: Bench, name: Name, { command, env }: Archiver): Promise<Result> {
  const { database } = bench.stack;
  await setCommand(database, name === 'not archived' ? 'true' : command);
  const backup = name === 'archived, beside a base backup' ? startBackup(database, env) : undefined;
  try {
    const result = await measure(bench, {
      name: `${RECOVERY.name}, ${name}`,
      target: overGrpc(bench, transferCalls(bench.wallets), true),
      programs: ['server', 'postgres', 'redis', 'archiver'],
      transfersPerCall: 1,
    });
    if (backup && backup.exitCode !== null)
      throw new Error(`the backup ended with ${backup.exitCode} before the measurement did`);
    return result;
  } finally {
    if (backup) await end(backup);
  }
}

function startBackup(database: Database, env: Readonly<Record<string, string>>): ChildProcess {
  return spawn('nice', [process.execPath, join(SCRIPTS, 'backup.ts'), '--full', '--keep'], {
    env: { ...process.env, ...env, BACKUP_DATABASE_URL: database.ownerUrl, BACKUP_MAX_RATE: '32M' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function summary(name: Name, rounds: ReadonlyMap<Name, readonly Result[]>): Result {
  const results = rounds.get(name) ?? [];
  const plain = rounds.get('not archived') ?? [];
  const ordered = [...results].sort((a, b) => a.callsPerSecond - b.callsPerSecond);
  const ratios = results
    .map(({ callsPerSecond }, round) => callsPerSecond / (plain[round]?.callsPerSecond ?? 0))
    .sort((a, b) => a - b);
  return {
    ...(ordered[ordered.length >> 1] as Result),
    figures: {
      'calls/s / not archived, lowest': ratios[0] ?? 0,
      'calls/s / not archived, median': ratios[ratios.length >> 1] ?? 0,
      'calls/s / not archived, highest': ratios.at(-1) ?? 0,
    },
  };
}
