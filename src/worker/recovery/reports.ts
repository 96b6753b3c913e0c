// Reads what the commands of backups and drills print: JSON, of which only the fields that are known are taken.
import type { DrillFigures, StoredBackup } from '../../domain/recovery.ts';
import { END_OF_TIME, MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import type { Ended } from './command.ts';

const MOST_INT32 = 2 ** 31 - 1;
/** How many backups of a drill are kept: a full one, and the incremental ones upon it. */
const MOST_BACKUPS = 1_000;
/** The longest reason that is kept, in characters. */
const MOST_WORDS = 500;

type Fields = Readonly<Record<string, unknown>>;

/** Why a command failed: what it printed as `{"error": …}`, or else how it ended. */
export function failureOf({ code, output }: Ended): string {
  const { error } = fieldsOf(parseJson(output)) ?? {};
  // Control characters could rewrite the terminal that shows them.
  const words =
    typeof error === 'string'
      ? error
          .replace(/\p{C}+/gu, ' ')
          .trim()
          .slice(0, MOST_WORDS)
      : '';
  if (words !== '') return words;
  if (code === null) return 'the command was ended by a signal';
  if (code === 126 || code === 127)
    return `the shell did not find the command, or may not run it (exit code ${code})`;
  if (code === 0) return 'the command printed no report; it has to print JSON (--json)';
  return `the command ended with exit code ${code} and printed no reason`;
}

/** The report of `npm run drill -- … --json`; undefined where that is not what was printed. */
export function readDrill(output: string): DrillFigures | undefined {
  const fields = fieldsOf(parseJson(output));
  if (typeof fields?.rtoSeconds !== 'number' || typeof fields.booksOk !== 'boolean') return undefined;
  return {
    drill: text(fields.drill, 40),
    seed: count(fields.seed),
    rtoSeconds: seconds(fields.rtoSeconds),
    rpoSeconds: seconds(fields.rpoSeconds),
    acknowledged: count(fields.acknowledged),
    lost: count(fields.lost),
    doubled: count(fields.doubled),
    stale: count(fields.stale),
    booksOk: fields.booksOk,
    backups: Array.isArray(fields.backups)
      ? fields.backups.slice(-MOST_BACKUPS).map((label) => text(label, 100))
      : [],
    backupEndedAt: isoMoment(fields.backupEndedAt),
  };
}

/** The record that `npm run backup -- --json` prints; undefined where that is not what was printed. */
export function readBackup(output: string): StoredBackup | undefined {
  const fields = fieldsOf(parseJson(output));
  return fields && toStoredBackup({ ...fields, state: 'complete' });
}

/** What `npm run backup -- --list --json` prints; undefined where that is not what was printed. */
export function readBackups(output: string): StoredBackup[] | undefined {
  const list = parseJson(output);
  if (!Array.isArray(list)) return undefined;
  const backups = list.map((item) => toStoredBackup(fieldsOf(item) ?? {}));
  if (!backups.every((backup) => backup !== undefined)) return undefined;
  return [...new Map(backups.map((backup) => [`${backup.clusterId}/${backup.label}`, backup])).values()];
}

const STATES = ['complete', 'verified', 'incomplete', 'damaged'] as const;
const KINDS = ['', 'full', 'incremental'] as const;

function toStoredBackup(fields: Fields): StoredBackup | undefined {
  const state = STATES.find((one) => one === fields.state);
  const kind = KINDS.find((one) => one === fields.kind);
  const [clusterId, label] = [text(fields.clusterId, 32), text(fields.label, 100)];
  if (state === undefined || kind === undefined || clusterId === '' || label === '') return undefined;
  return {
    clusterId,
    label,
    kind,
    state,
    base: text(fields.base, 100),
    startedAt: moment(fields.startedAt),
    endedAt: moment(fields.endedAt),
    bytes: count(fields.bytes),
    storedBytes: count(fields.storedBytes),
    isEncrypted: fields.isEncrypted === true,
    timeline: Math.min(count(fields.timeline), MOST_INT32),
    startLsn: text(fields.startLsn, 20),
    endLsn: text(fields.endLsn, 20),
    lastWal: text(fields.lastWal, 40),
    restorableUntil: moment(fields.restorableUntil),
    verifiedAt: moment(fieldsOf(fields.verified)?.at),
  };
}

function parseJson(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function text(value: unknown, most: number): string {
  return typeof value === 'string' ? value.replace(/[^\x20-\x7e]/g, '').slice(0, most) : '';
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function seconds(value: unknown): number {
  return typeof value === 'number' && value >= 0 && value < 1e9 ? value : 0;
}

function isoMoment(value: unknown): string {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return at >= 0 && at < END_OF_TIME / MICROS_PER_MS ? new Date(at).toISOString() : '';
}

function moment(value: unknown): Micros | undefined {
  const iso = isoMoment(value);
  return iso === '' ? undefined : Date.parse(iso) * MICROS_PER_MS;
}
