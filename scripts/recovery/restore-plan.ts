// Plans a restore: which backup, which WAL, and everything that would stop it, found before anything is touched.
import { accessSync, constants, existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from '../cli/program.ts';
import { type Backup, type BackupRecord, chainOf, isWhole, listBackups, listClusters } from './catalog.ts';
import { freeBytes, megabytes } from './disk-space.ts';
import { unseal } from './sealed-stream.ts';
import type { Storage } from './storage.ts';
import { type ArchivedWal, listWal } from './wal-archive.ts';
import {
  parseHistory,
  parseLsn,
  parseSegment,
  segmentAt,
  segmentName,
  type TimelineSwitch,
  timelineOf,
} from './wal-names.ts';

/** A moment to restore to, in microseconds since 1970, or everything that is archived. */
export type Target = number | 'latest';

/** No part of a second, a minute or a zone may be left out: a restore goes where it is told. */
const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/;

/** Reads `2026-11-26T04:31:00.123456Z` or `latest`; undefined for anything else. */
export function parseTarget(text: string): Target | undefined {
  if (text === 'latest') return text;
  const [, day, time, fraction = '', zone] = MOMENT.exec(text) ?? [];
  const seconds = Date.parse(`${day}T${time}${zone}`);
  // Date.parse takes 30 February for 2 March, and 24:00 for the next day.
  const isDay =
    !Number.isNaN(seconds) && new Date(`${day}T${time}Z`).toISOString().startsWith(`${day}T${time}`);
  return isDay ? seconds * 1000 + Number(fraction.padEnd(6, '0')) : undefined;
}

/** A moment in microseconds since 1970 as text, in UTC: `2026-11-26T04:31:00.123456Z`. */
export function momentText(micros: number): string {
  const iso = new Date(Math.floor(micros / 1000)).toISOString();
  return `${iso.slice(0, -1)}${String(Math.floor(micros % 1000)).padStart(3, '0')}Z`;
}

/** What is asked for. */
export interface RestoreRequest {
  readonly storage: Storage;
  readonly to: Target;
  /** Of several clusters in one storage, the one to restore; empty where there is one. */
  readonly clusterId: string;
  /** The timeline to follow; undefined for the newest. */
  readonly timeline: number | undefined;
  /** Private keys of age. */
  readonly identities: readonly string[];
  /** The folder to restore into; undefined for a plan alone. */
  readonly into: string | undefined;
}

/** What a restore will read. */
export interface RestorePlan {
  readonly to: Target;
  readonly clusterId: string;
  /** The backups, the full one first. */
  readonly chain: readonly BackupRecord[];
  /** Segments without a gap, the first that is needed to the last that is there. */
  readonly segments: readonly ArchivedWal[];
  /** How many of the segments hold what was committed before the target, at least. */
  readonly needed: number;
  /** History files of all timelines. */
  readonly histories: readonly ArchivedWal[];
  readonly timeline: number;
  /** A segment that is missing behind the last one; empty where the archive simply ends. */
  readonly missing: string;
  /** An upper bound of the disk space that it takes, in bytes. */
  readonly spaceBytes: number;
}

/** Clocks of the storage and of the database may differ by this much, in milliseconds. */
const CLOCKS_DIFFER_MS = 5_000;

/** Makes the plan. Throws a SetupError that names the object or the moment that makes it impossible. */
export async function planRestore(request: RestoreRequest): Promise<RestorePlan> {
  const { storage, to } = request;
  requireTarget(request);
  const clusterId = await findCluster(request);
  const backups = await listBackups(storage, clusterId);
  const wal = await listWal(storage, clusterId);
  const histories = wal.filter(({ name }) => name.endsWith('.history'));
  const timeline = request.timeline ?? newestTimeline(wal, backups);
  const history = await historyOf(storage, histories, timeline, request.identities);
  const record = chooseBackup(backups, to, history, storage);
  const chain = chainOf(backups, record);
  await requireObjects(request, backups, chain);
  const { segments, missing } = contiguous(wal, record, history);
  requireUnique(wal, segments);
  const slackMs = CLOCKS_DIFFER_MS + storageLateMs(backups);
  const needed = segmentsUntil(segments, to, slackMs);
  requireReach({ to, record, slackMs }, segments, missing);
  const spaceBytes =
    chain.reduce((sum, { bytes }) => sum + bytes, 0) * (chain.length > 1 ? 2 : 1) +
    segments.length * record.segmentBytes;
  requireSpace(request.into, spaceBytes);
  return { to, clusterId, chain, segments, needed, histories, timeline, missing, spaceBytes };
}

function requireTarget({ to, into }: RestoreRequest): void {
  if (to !== 'latest' && to > Date.now() * 1000)
    throw new SetupError(
      `${momentText(to)} is in the future by the clock of this machine (${new Date().toISOString()}); --to latest restores all that is archived`,
    );
  if (into === undefined) return;
  if (existsSync(join(into, 'postmaster.pid')))
    throw new SetupError(
      `a Postgres runs in ${into} (postmaster.pid); restore into an empty folder beside it`,
    );
  const parent = dirname(into);
  if (!existsSync(parent)) throw new SetupError(`${parent} does not exist`);
  requireReplaceable(into, parent);
  if (existsSync(into) && readdirSync(into).length > 0)
    throw new SetupError(`${into} is not empty; restore into an empty or new folder`);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
  } catch {
    throw new SetupError(`this user may not write to ${parent}`);
  }
}

/** The restored folder takes the place of an empty one, which works within one disk alone, and not for a link. */
function requireReplaceable(into: string, parent: string): void {
  const facts = lstatSync(into, { throwIfNoEntry: false });
  if (facts && (!facts.isDirectory() || facts.dev !== statSync(parent).dev))
    throw new SetupError(
      `${into} is a disk of its own, a link or a file; name a new folder in it or beside it`,
    );
}

function requireSpace(into: string | undefined, bytes: number): void {
  if (into === undefined) return;
  const free = freeBytes(dirname(into));
  if (free < bytes)
    throw new SetupError(
      `${dirname(into)} has ${megabytes(free)} left, and the restore takes up to ${megabytes(bytes)}`,
    );
}

async function findCluster({ storage, clusterId }: RestoreRequest): Promise<string> {
  const clusters = await listClusters(storage);
  if (clusters.length === 0) throw new SetupError(`there is no backup in ${storage.url}`);
  if (clusterId && !clusters.includes(clusterId))
    throw new SetupError(
      `${storage.url} has no backup of the cluster ${clusterId}, only of ${clusters.join(', ')}`,
    );
  if (!clusterId && clusters.length > 1)
    throw new SetupError(
      `${storage.url} has backups of several clusters; name one by --cluster: ${clusters.join(', ')}`,
    );
  return clusterId || (clusters[0] ?? '');
}

/**
 * Each of these files is stored with one content. There may be others with two: with `archive_mode = always` a standby that
 * is not promoted archives the torn last segment of the timeline that was left, under its full name.
 */
function requireUnique(wal: readonly ArchivedWal[], used: readonly ArchivedWal[]): void {
  const byName = new Map(used.map((file) => [file.name, file]));
  for (const { name, key, sha256 } of wal) {
    const one = byName.get(name);
    if (one && one.sha256 !== sha256)
      throw new SetupError(`${name} was archived twice with different content: ${key} and ${one.key}`);
  }
}

function newestTimeline(wal: readonly ArchivedWal[], backups: readonly Backup[]): number {
  const timelines = wal.map(({ name }) => Number.parseInt(name.slice(0, 8), 16));
  return Math.max(...timelines, ...backups.map(({ record }) => record?.timeline ?? 1));
}

async function historyOf(
  storage: Storage,
  histories: readonly ArchivedWal[],
  timeline: number,
  identities: readonly string[],
): Promise<TimelineSwitch[]> {
  if (timeline === 1) return parseHistory(1, '');
  const name = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  const file = histories.find((history) => history.name === name);
  if (!file)
    throw new SetupError(`the timeline ${timeline} has no history in ${storage.url}: ${name} is missing`);
  requireUnique(histories, [file]);
  const pieces: Uint8Array[] = [];
  for await (const piece of await unseal(await storage.read(file.key), file.key, identities))
    pieces.push(piece);
  return parseHistory(timeline, Buffer.concat(pieces).toString('utf8'));
}

/** The last backup that ended before the target, on the timelines that lead to it. */
function chooseBackup(
  backups: readonly Backup[],
  to: Target,
  history: readonly TimelineSwitch[],
  storage: Storage,
): BackupRecord {
  const usable = backups
    .flatMap((backup) => (backup.record && isWhole(backup) ? [backup.record] : []))
    .filter((record) => {
      const line = history.find(({ timeline }) => timeline === record.timeline);
      return line !== undefined && (line.until === undefined || parseLsn(record.endLsn) <= line.until);
    });
  const [oldest] = usable;
  if (!oldest) throw new SetupError(`there is no whole backup of this timeline in ${storage.url}`);
  const chosen = usable.findLast(({ endedAt }) => to === 'latest' || Date.parse(endedAt) * 1000 <= to);
  if (chosen) return chosen;
  throw new SetupError(
    `${momentText(to as number)} is before the oldest backup, which ended at ${oldest.endedAt}`,
  );
}

/** Every object of the chain is there, and the key fits. */
async function requireObjects(
  { storage, identities }: RestoreRequest,
  backups: readonly Backup[],
  chain: readonly BackupRecord[],
): Promise<void> {
  for (const record of chain) {
    const backup = backups.find(({ label }) => label === record.label);
    if (!backup || !isWhole(backup))
      throw new SetupError(
        `${record.files} is missing or was cut off: the backup ${record.label} cannot be restored`,
      );
    if (!record.isEncrypted) continue;
    // Reading the head is enough to see whether the key fits.
    const content = await unseal(await storage.read(record.files), record.files, identities);
    for await (const _ of content) break;
  }
}

/** The segments from the backup on, until one is missing. */
function contiguous(
  wal: readonly ArchivedWal[],
  { startLsn, endLsn, segmentBytes, label }: BackupRecord,
  history: readonly TimelineSwitch[],
): { segments: ArchivedWal[]; missing: string } {
  const byName = new Map(wal.map((file) => [file.name, file]));
  const last = wal.reduce((most, { name }) => {
    const { timeline, number } = parseSegment(name, segmentBytes) ?? { timeline: 0, number: 0n };
    // Another timeline may reach further: the one that a restore left, or one that left this.
    return timeline === timelineOf(history, number, segmentBytes) && number > most ? number : most;
  }, 0n);
  const segments: ArchivedWal[] = [];
  let missing = '';
  for (let number = segmentAt(parseLsn(startLsn), segmentBytes); number <= last && !missing; number++) {
    const name = segmentName({ timeline: timelineOf(history, number, segmentBytes), number }, segmentBytes);
    const file = byName.get(name);
    if (file) segments.push(file);
    else missing = name;
  }
  const firstFree = segmentAt(parseLsn(startLsn), segmentBytes) + BigInt(segments.length);
  if (firstFree <= segmentAt(parseLsn(endLsn) - 1n, segmentBytes))
    throw new SetupError(
      `the WAL segment ${missing || 'of its end'} is missing: without it the backup ${label} cannot be restored`,
    );
  return { segments, missing };
}

/** How late the clock of the storage is at least: the record of a backup is stored after the backup has ended. */
function storageLateMs(backups: readonly Backup[]): number {
  const late = backups.flatMap(({ record, objects }) =>
    objects
      .filter(({ key }) => key.endsWith('/backup.json'))
      .map(({ storedAt }) => Date.parse(record?.endedAt ?? '') - storedAt),
  );
  return Math.max(0, ...late.filter((ms) => !Number.isNaN(ms)));
}

/** How many segments hold all that was committed before the target: up to the first one that was stored well after it. */
function segmentsUntil(segments: readonly ArchivedWal[], to: Target, slackMs: number): number {
  if (to === 'latest') return segments.length;
  const first = segments.findIndex(({ storedAt }) => storedAt > to / 1000 + slackMs);
  return first === -1 ? segments.length : first + 1;
}

/** The WAL reaches the target, as far as the times tell at which it was stored. */
function requireReach(
  { to, record, slackMs }: { to: Target; record: BackupRecord; slackMs: number },
  segments: readonly ArchivedWal[],
  missing: string,
): void {
  const storedAt = segments.at(-1)?.storedAt ?? Date.parse(record.endedAt);
  const isReached = to !== 'latest' && to / 1000 <= storedAt + slackMs;
  if (isReached) return;
  const reach = new Date(storedAt).toISOString();
  if (missing)
    throw new SetupError(
      `the WAL segment ${missing} is missing: a restore can reach ${reach} at most (--to)`,
    );
  if (to === 'latest') return;
  throw new SetupError(
    `${momentText(to)} is after the end of the archived WAL at ${reach}; --to latest restores all of it`,
  );
}

/** The text of a plan, for people. */
export function planText(plan: RestorePlan, storage: Storage): string {
  const { chain, segments, to } = plan;
  const record = chain.at(-1) as BackupRecord;
  const count = (number: number) => number.toLocaleString('en');
  return [
    `Restore of cluster ${plan.clusterId} from ${storage.url}`,
    `  to        ${to === 'latest' ? 'the end of the archived WAL' : momentText(to)}`,
    ...chain.map(
      ({ label, kind, endedAt, bytes }, index) =>
        `  ${index === 0 ? 'backup' : '      '}    ${label} (${kind}), ended ${endedAt}, ${megabytes(bytes)}`,
    ),
    `  WAL       ${count(plan.needed)} segments needed, ${count(segments.length)} there: ${segments[0]?.name ?? 'none'} to ${segments.at(-1)?.name ?? 'none'}`,
    `  missing   ${plan.missing ? `${plan.missing}, behind what is needed` : 'nothing'}`,
    `  databases ${[...record.ledgers, ...record.archives.map((name) => `${name} (archive)`)].join(', ') || 'no ledger is known'}`,
    `  sealed by ${record.keyEncryptionKeys.map(({ id, fingerprint }) => `key-encryption key ${id}${fingerprint && ` (${fingerprint})`}`).join(', ') || 'no key-encryption key'}`,
    `  space     up to ${megabytes(plan.spaceBytes)}`,
  ].join('\n');
}

/** Reads the private keys of an identity file, as `age-keygen` writes it. */
export function parseIdentities(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
