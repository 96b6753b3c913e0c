// Takes a base backup with pg_basebackup and streams it, compressed and encrypted, into storage.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetupError } from '../cli/program.ts';
import type { PgTools } from '../ops/parts/pg-tools.ts';
import {
  type Backup,
  type BackupRecord,
  backupPrefix,
  clusterMarker,
  isWhole,
  listBackups,
} from './catalog.ts';
import { lastError, withoutPassword } from './client-programs.ts';
import { type ClusterFacts, clockOf, connect, readFacts } from './cluster-facts.ts';
import { seal, suffixFor, unseal } from './sealed-stream.ts';
import { type Content, contentOf, type Storage, writeJson } from './storage.ts';
import { keepTarFile } from './tar-file.ts';
import { listWal } from './wal-archive.ts';
import { parseLsn, segmentAt, segmentName } from './wal-names.ts';

/** What a backup is made of and for. */
export interface BackupOptions {
  readonly storage: Storage;
  readonly tools: PgTools;
  /** A login with the right to replicate, and to read settings and api_keys. */
  readonly databaseUrl: string;
  /** Public keys of age; none stores it unencrypted. */
  readonly recipients: readonly string[];
  /** KEY_ENCRYPTION_KEYS of the servers, for their fingerprints; empty where it is not known here. */
  readonly keyEncryptionKeys: string;
  /** Whether the last backup may be built upon. */
  readonly mayBeIncremental: boolean;
  /** A full backup is due when the last one is this old, in milliseconds. */
  readonly fullEveryMs: number;
  /** The most bytes a second, as pg_basebackup takes them (`50M`); empty for no bound. */
  readonly maxRate: string;
  /** Called with the number of bytes that are stored, and about how many there are. */
  readonly onProgress: (bytes: number, of: number) => void;
}

/** How long Postgres may take to archive the last WAL of a backup before it is given up, in milliseconds. */
const ARCHIVE_WAIT_MS = 10 * 60_000;
const MANIFEST = 'backup_manifest';

/** Takes a backup. Throws a SetupError where it cannot; what was there before is not touched. */
export async function takeBackup(options: BackupOptions): Promise<BackupRecord> {
  const { storage, databaseUrl } = options;
  const client = await connect(databaseUrl);
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('ppuri backup')) AS locked`,
    );
    if (!rows[0]?.locked) throw new SetupError('another backup of this cluster is under way');
    const facts = await readFacts(client, options.keyEncryptionKeys);
    requireArchiving(facts);
    const backups = await listBackups(storage, facts.clusterId);
    const base = options.mayBeIncremental ? baseFor(backups, facts, options.fullEveryMs) : undefined;
    const record = await stream(options, facts, base, () => clockOf(client));
    await requireWal(storage, record);
    await writeJson(storage, clusterMarker(facts.clusterId), { clusterId: facts.clusterId });
    await writeJson(storage, `${backupPrefix(facts.clusterId, record.label)}backup.json`, record);
    return record;
  } finally {
    await client.end();
  }
}

/** Refuses to begin where the backup could not be restored. */
function requireArchiving({ archiveMode, archiver }: ClusterFacts): void {
  if (archiveMode === 'off')
    throw new SetupError('archive_mode is off: without archived WAL a base backup cannot be restored');
  if (archiver.isFailing)
    throw new SetupError(
      `WAL is not archived since ${archiver.failedAt}: archive_command fails for ${archiver.failedWal}; Postgres' log says why`,
    );
}

/** The backup to build upon: the last whole one, unless a full one is due. */
function baseFor(
  backups: readonly Backup[],
  { summarizeWal, now, timeline }: ClusterFacts,
  fullEveryMs: number,
): BackupRecord | undefined {
  const records = backups.flatMap((backup) => (backup.record && isWhole(backup) ? [backup.record] : []));
  const lastFull = records.findLast(({ kind }) => kind === 'full');
  if (!summarizeWal || !lastFull || Date.parse(lastFull.startedAt) < now.getTime() - fullEveryMs)
    return undefined;
  const last = records.at(-1);
  return last?.timeline === timeline ? last : undefined;
}

async function stream(
  options: BackupOptions,
  facts: ClusterFacts,
  base: BackupRecord | undefined,
  clock: () => Promise<Date>,
): Promise<BackupRecord> {
  const { storage, recipients, onProgress } = options;
  const label = `${facts.now.toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const prefix = backupPrefix(facts.clusterId, label);
  const files = `${prefix}base.tar${suffixFor(recipients)}`;
  const manifest = base && openUnnamed(await fetchManifest(storage, base));
  try {
    const tool = runBaseBackup(options, label, manifest);
    const plain = counted(tool.output, (_, bytes) => onProgress(bytes, facts.bytes));
    const tar = keepTarFile(plain.content, MANIFEST);
    const hash = createHash('sha256');
    const stored = counted(await seal(tar.content, recipients), (piece) => hash.update(piece));
    await storage.write(files, stored.content);
    const range = rangeOf(tar.found());
    await storage.write(
      `${prefix}${MANIFEST}.zst`,
      await seal(contentOf(tar.found() ?? Buffer.alloc(0)), []),
    );
    return {
      format: 1,
      label,
      kind: base ? 'incremental' : 'full',
      base: base?.label ?? '',
      clusterId: facts.clusterId,
      ...range,
      segmentBytes: facts.segmentBytes,
      startedAt: facts.now.toISOString(),
      endedAt: (await clock()).toISOString(),
      bytes: plain.bytes(),
      storedBytes: stored.bytes(),
      files,
      sha256: hash.digest('hex'),
      isEncrypted: recipients.length > 0,
      postgresVersion: facts.postgresVersion,
      superuser: facts.superuser,
      ledgers: facts.ledgers,
      archives: facts.archives,
      keyEncryptionKeys: facts.keyEncryptionKeys,
    };
  } finally {
    if (manifest !== undefined) closeSync(manifest);
  }
}

/** The manifest of an earlier backup, which is not encrypted: it names files and checksums, and no content. */
async function fetchManifest(storage: Storage, { clusterId, label }: BackupRecord): Promise<Buffer> {
  const key = `${backupPrefix(clusterId, label)}${MANIFEST}.zst`;
  const pieces: Uint8Array[] = [];
  for await (const piece of await unseal(await storage.read(key), key, [])) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Opens a file with this content that has no name any more, so that nothing is left of it however this process ends. */
function openUnnamed(content: Buffer): number {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-backup-'));
  try {
    const path = join(folder, MANIFEST);
    writeFileSync(path, content, { mode: 0o600 });
    return openSync(path, 'r');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs pg_basebackup. Its output ends well only where it has ended well. */
function runBaseBackup(
  { tools, databaseUrl, maxRate }: BackupOptions,
  label: string,
  manifest: number | undefined,
): { output: Content } {
  const { href, env } = withoutPassword(databaseUrl);
  const child = spawn(
    tools.pathOf('pg_basebackup'),
    [
      ...['--dbname', href, '--no-password', '--pgdata=-', '--format=tar', '--wal-method=none'],
      ...['--checkpoint=fast', '--no-slot', `--label=ppuri ${label}`],
      ...(maxRate ? [`--max-rate=${maxRate}`] : []),
      ...(manifest === undefined ? [] : ['--incremental=/dev/fd/3']),
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe', manifest ?? 'ignore'],
      env: { ...process.env, LC_ALL: 'C', ...env },
    },
  );
  let said = '';
  let waitingSince: number | undefined;
  child.stderr?.on('data', (text: Buffer) => {
    said = (said + text).slice(-4_000);
    if (!/still waiting for all required WAL/.test(String(text))) return;
    waitingSince ??= Date.now();
    if (Date.now() - waitingSince > ARCHIVE_WAIT_MS) child.kill('SIGTERM');
  });
  const onExit = () => child.kill('SIGTERM');
  process.once('exit', onExit);
  const ended = endOf(child).finally(() => process.off('exit', onExit));
  return { output: untilEnd(child.stdout as unknown as Content, ended, () => said) };
}

function endOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
}

async function* untilEnd(output: Content, ended: Promise<string | undefined>, said: () => string): Content {
  yield* output;
  const failure = await ended;
  if (failure === undefined) return;
  throw new SetupError(`pg_basebackup failed (${failure}): ${lastError(said())}`);
}

/** Content whose bytes are counted as it passes; each piece is shown to `onPiece` first. */
function counted(content: Content, onPiece: (piece: Uint8Array, bytes: number) => void) {
  let bytes = 0;
  return {
    content: (async function* () {
      for await (const piece of content) {
        bytes += piece.length;
        onPiece(piece, bytes);
        yield piece;
      }
    })(),
    bytes: () => bytes,
  };
}

interface Manifest {
  readonly 'WAL-Ranges': readonly {
    readonly Timeline: number;
    readonly 'Start-LSN': string;
    readonly 'End-LSN': string;
  }[];
}

function rangeOf(manifest: Buffer | undefined): Pick<BackupRecord, 'timeline' | 'startLsn' | 'endLsn'> {
  const ranges = manifest && (JSON.parse(manifest.toString('utf8')) as Manifest)['WAL-Ranges'];
  const [first, last] = [ranges?.[0], ranges?.at(-1)];
  if (!first || !last) throw new SetupError('pg_basebackup sent no manifest with its files');
  return { timeline: last.Timeline, startLsn: first['Start-LSN'], endLsn: last['End-LSN'] };
}

/** Postgres has archived the WAL of the backup by now; it must have gone where a restore reads it. */
async function requireWal(storage: Storage, record: BackupRecord): Promise<void> {
  const { clusterId, timeline, segmentBytes } = record;
  const archived = new Set((await listWal(storage, clusterId)).map(({ name }) => name));
  const end = parseLsn(record.endLsn) - 1n;
  for (
    let number = segmentAt(parseLsn(record.startLsn), segmentBytes);
    number <= segmentAt(end, segmentBytes);
    number++
  ) {
    const name = segmentName({ timeline, number }, segmentBytes);
    if (!archived.has(name))
      throw new SetupError(
        `archive_command puts the WAL elsewhere: ${name}, which the backup needs, is not in ${storage.url}`,
      );
  }
}
