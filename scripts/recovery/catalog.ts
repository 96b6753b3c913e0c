// The backups in storage: what is known of each, and in which state it is.
import { SetupError } from '../cli/program.ts';
import { readText, type Storage, type StoredObject } from './storage.ts';

/** A key-encryption key that sealed secrets of the database, which a restored server needs. */
export interface KeyFingerprint {
  readonly id: string;
  /** The first 16 hexadecimal digits of the key's SHA-256; empty where the key was not configured. */
  readonly fingerprint: string;
}

/** What a complete backup says of itself: `CLUSTER/backups/LABEL/backup.json`, which is written last. */
export interface BackupRecord {
  readonly format: 1;
  /** The time at which it began, `20261126T043100Z`. */
  readonly label: string;
  readonly kind: 'full' | 'incremental';
  /** The label of the backup that an incremental one builds upon; empty for a full one. */
  readonly base: string;
  /** The system identifier of the cluster. */
  readonly clusterId: string;
  readonly timeline: number;
  /** The first position that a restore reads, and the one from which on it is consistent. */
  readonly startLsn: string;
  readonly endLsn: string;
  readonly segmentBytes: number;
  /** By the database's clock. A restore to `endedAt` or later can begin with this backup. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** Of the files, before compression. */
  readonly bytes: number;
  readonly storedBytes: number;
  /** The key of the files and the SHA-256 of what is stored there. */
  readonly files: string;
  readonly sha256: string;
  readonly isEncrypted: boolean;
  readonly postgresVersion: string;
  /** The role with which Postgres was initialized, and the databases that hold a ledger or its archive. */
  readonly superuser: string;
  readonly ledgers: readonly string[];
  readonly archives: readonly string[];
  readonly keyEncryptionKeys: readonly KeyFingerprint[];
}

/** When a restore of a backup was last seen to work. */
export interface Verification {
  readonly at: string;
  readonly restoredTo: string;
  readonly seconds: number;
}

/** A backup as it lies in storage. */
export interface Backup {
  readonly label: string;
  /** Undefined while it is being made, or where making it was cut off. */
  readonly record: BackupRecord | undefined;
  readonly verified: Verification | undefined;
  readonly objects: readonly StoredObject[];
}

/** Where the backups of a cluster lie. */
export function backupPrefix(clusterId: string, label = ''): string {
  return `${clusterId}/backups/${label && `${label}/`}`;
}

/** The marker of a cluster that has backups in a storage. */
export function clusterMarker(clusterId: string): string {
  return `clusters/${clusterId}.json`;
}

/** The clusters that have backups in a storage. */
export async function listClusters(storage: Storage): Promise<string[]> {
  return (await storage.list('clusters/')).map(({ key }) => key.slice('clusters/'.length, -'.json'.length));
}

/** How many backups are read side by side: there may be more of them than a process may have files open. */
const READS = 16;

/** The backups of a cluster, oldest first, incomplete ones too. */
export async function listBackups(storage: Storage, clusterId: string): Promise<Backup[]> {
  const prefix = backupPrefix(clusterId);
  const byLabel = Map.groupBy(
    await storage.list(prefix),
    ({ key }) => key.slice(prefix.length).split('/')[0] ?? '',
  );
  const read = async ([label, objects]: [string, StoredObject[]]): Promise<Backup> => ({
    label,
    objects,
    record: await readJson(storage, objects, `${backupPrefix(clusterId, label)}backup.json`, isRecord),
    verified: await readJson(
      storage,
      objects,
      `${backupPrefix(clusterId, label)}verified.json`,
      isVerification,
    ),
  });
  const all = [...byLabel];
  const backups: Backup[] = [];
  for (let from = 0; from < all.length; from += READS)
    backups.push(...(await Promise.all(all.slice(from, from + READS).map(read))));
  return backups;
}

async function readJson<T>(
  storage: Storage,
  objects: readonly StoredObject[],
  key: string,
  is: (value: unknown) => value is T,
): Promise<T | undefined> {
  if (!objects.some((object) => object.key === key)) return undefined;
  const text = await readText(storage, key);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!is(value)) throw new SetupError(`${key} in ${storage.url} is damaged`);
  return value;
}

function isRecord(value: unknown): value is BackupRecord {
  const record = value as Partial<BackupRecord> | undefined;
  return record?.format === 1 && typeof record.sha256 === 'string' && Array.isArray(record.ledgers);
}

function isVerification(value: unknown): value is Verification {
  return typeof (value as Partial<Verification> | undefined)?.at === 'string';
}

/** A backup and those that it builds upon, the full one first. Throws a SetupError that names a missing one. */
export function chainOf(backups: readonly Backup[], record: BackupRecord): BackupRecord[] {
  const chain = [record];
  for (let first = record; first.kind === 'incremental'; ) {
    const base = backups.find(({ label }) => label === first.base)?.record;
    if (!base) throw new SetupError(`the backup ${first.label} builds upon ${first.base}, which is missing`);
    first = base;
    chain.unshift(base);
  }
  return chain;
}

/** Whether the objects of a backup are all there. */
export function isWhole({ objects, record }: Backup): boolean {
  return (
    record !== undefined &&
    objects.some(({ key, bytes }) => key === record.files && bytes === record.storedBytes)
  );
}
