// The archive of WAL: what archive_command stores, and what a restore reads again.
//
// A file's key holds the SHA-256 of its plain content: `wal/NAME-SHA256.zst.age`. So the server can tell whether it stored
// the same before, although it cannot decrypt what it stored, and a restore can tell whether it reads what was written.
import { createHash, hash } from 'node:crypto';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SetupError } from '../cli/program.ts';
import { syncFolder } from './folder-storage.ts';
import { seal, suffixFor, unseal } from './sealed-stream.ts';
import { contentOf, type Storage, type StoredObject } from './storage.ts';
import { isWalName, parseHistory, parseSegment, segmentAt, segmentName, timelineOf } from './wal-names.ts';

/** A file of WAL in storage. */
export interface ArchivedWal extends StoredObject {
  /** Its name in pg_wal. */
  readonly name: string;
  /** Of its plain content, in hexadecimal. */
  readonly sha256: string;
}

/** Where the WAL of a cluster lies. */
export function walPrefix(clusterId: string): string {
  return `${clusterId}/wal/`;
}

/** All archived WAL of a cluster whose names begin with `from`, ordered by name. */
export async function listWal(storage: Storage, clusterId: string, from = ''): Promise<ArchivedWal[]> {
  const prefix = walPrefix(clusterId);
  return (await storage.list(prefix + from)).flatMap((object) => {
    const match = /^([^-]+)-([0-9a-f]{64})\.zst(?:\.age)?$/.exec(object.key.slice(prefix.length));
    return match ? [{ ...object, name: match[1] ?? '', sha256: match[2] ?? '' }] : [];
  });
}

/** The system identifier of the cluster in a data folder: the first field of its control file (`ControlFileData`). */
export async function clusterIdOf(dataFolder: string): Promise<string> {
  return (await readWhole(join(dataFolder, 'global', 'pg_control'))).readBigUInt64LE(0).toString();
}

/**
 * Archives a file of WAL, as archive_command has to (PostgreSQL documentation, "Setting Up WAL Archiving"): as a whole or not
 * at all, on disk once this resolves, without complaint where the same is stored already, and never in the place of
 * something else. Returns whether it was stored now. Throws a SetupError otherwise; Postgres keeps the file and tries again.
 */
export async function archiveWal(
  storage: Storage,
  dataFolder: string,
  path: string,
  recipients: readonly string[],
): Promise<boolean> {
  const name = basename(path);
  if (!isWalName(name)) throw new SetupError(`${name} is no file of WAL; archive_command passes %p`);
  const [clusterId, content] = await Promise.all([
    clusterIdOf(dataFolder),
    readWhole(resolve(dataFolder, path)),
  ]);
  const sha256 = hash('sha256', content);
  const present = (await listWal(storage, clusterId, name)).filter((stored) => stored.name === name);
  const other = present.find((stored) => stored.sha256 !== sha256);
  if (other && (await isLeftBehind(resolve(dataFolder, path), content.length))) return false;
  if (other) throw new SetupError(`${storage.url} has another ${name}: ${other.key}; it is not overwritten`);
  for (const { key } of present) await storage.sync(key);
  if (present.length > 0) return false;
  const key = `${walPrefix(clusterId)}${name}-${sha256}${suffixFor(recipients)}`;
  await storage.write(key, await seal(contentOf(content), recipients));
  return true;
}

/**
 * Whether a segment holds the end of a timeline that a failover left: a restore reads what the next timeline has there. After a
 * failover each node may have another end of it, because none of them need have received what was left in it.
 */
async function isLeftBehind(path: string, segmentBytes: number): Promise<boolean> {
  const segment = parseSegment(basename(path), segmentBytes);
  const files = await readdir(dirname(path));
  const newest = files
    .filter((name) => /^[0-9A-F]{8}\.history$/.test(name))
    .sort()
    .at(-1);
  if (!segment || !newest) return false;
  const text = await readFile(join(dirname(path), newest), 'utf8');
  const history = parseHistory(Number.parseInt(newest, 16), text);
  const isAncestor = history.some(({ timeline }) => timeline === segment.timeline);
  return isAncestor && timelineOf(history, segment.number, segmentBytes) !== segment.timeline;
}

/** A file of WAL has 16 MB, unless initdb was told otherwise. */
async function readWhole(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new SetupError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** Reads a file of WAL into a folder. Throws a SetupError that names it where it is damaged or of another cluster. */
export async function fetchWal(
  storage: Storage,
  wal: ArchivedWal,
  folder: string,
  identities: readonly string[],
): Promise<void> {
  const digest = createHash('sha256');
  const path = join(folder, wal.name);
  const file = await open(path, 'w', 0o600);
  try {
    for await (const piece of await unseal(await storage.read(wal.key), wal.key, identities)) {
      digest.update(piece);
      await file.write(piece);
    }
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  if (digest.digest('hex') !== wal.sha256)
    throw new SetupError(`${wal.key} is damaged: its content is not what was archived`);
  await syncFolder(folder);
}

/** The header of a segment's first page (`XLogLongPageHeaderData`): its bytes, and where two of its fields begin. */
const HEADER = { bytes: 40, position: 8, systemId: 24 } as const;

/**
 * Throws a SetupError where a segment in a folder belongs to another cluster, or to another place in the WAL than its name
 * says: Postgres would take that for the end of the WAL.
 */
export async function requireOwn(
  folder: string,
  wal: ArchivedWal,
  { clusterId, segmentBytes }: { readonly clusterId: string; readonly segmentBytes: number },
): Promise<void> {
  const segment = parseSegment(wal.name, segmentBytes);
  if (!segment) return;
  const file = await open(join(folder, wal.name));
  const { buffer } = await file.read(Buffer.alloc(HEADER.bytes)).finally(() => file.close());
  const found = buffer.readBigUInt64LE(HEADER.systemId).toString();
  if (found !== clusterId)
    throw new SetupError(`${wal.key} belongs to another cluster: ${found}, not ${clusterId}`);
  const position = buffer.readBigUInt64LE(HEADER.position);
  const number = segmentAt(position, segmentBytes);
  if (number !== segment.number)
    throw new SetupError(
      `${wal.key} holds the WAL of ${segmentName({ ...segment, number }, segmentBytes)}, not of its name`,
    );
}
