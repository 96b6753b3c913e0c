// Runs of backups and drills: asked for, taken by a worker, kept alive, and ended. The database's clock decides, and its
// trigger refuses every other way through the states.
import { BY_SCHEDULE, type RequestResult, type RunKind, type RunRequest } from '../../domain/recovery.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Pool, Reader } from '../pool.ts';
import { textArray } from '../sql.ts';

/** A worker that has not said for this long that it is set up for a kind of run is taken for gone, in seconds. */
const WORKER_SEEN_WITHIN_S = 60;
/** The same for the runs of the day: one waits an hour for a worker that restarts just then. */
const WORKER_SEEN_WITHIN_A_DAY_S = 86_400;

const FIND_KEY = 'SELECT id, fingerprint FROM recovery_runs WHERE idempotency_key = $1';

const IS_SET_UP = `
  SELECT seen_at > clock_timestamp() - $2 * interval '1 second' AS is_set_up
  FROM recovery_workers WHERE kind = $1`;

const INSERT = `
  INSERT INTO recovery_runs (kind, is_full, requested_by, idempotency_key, fingerprint) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING RETURNING id`;

const UNDER_WAY = `SELECT id FROM recovery_runs WHERE kind = $1 AND state IN ('queued', 'running')`;

const CLAIM = `
  UPDATE recovery_runs SET state = 'running', worker = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
  WHERE state = 'queued' AND id = (
    SELECT id FROM recovery_runs WHERE kind = $1 AND state = 'queued' FOR UPDATE SKIP LOCKED LIMIT 1)
  RETURNING id, is_full AS "isFull"`;

const KEEP = `
  UPDATE recovery_runs SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
  WHERE id = $1 AND worker = $2 AND state = 'running'`;

const FINISH = `
  UPDATE recovery_runs SET state = $3, error = $4, report = $5 WHERE id = $1 AND worker = $2 AND state = 'running'`;

const NOTE_WORKER = 'UPDATE recovery_workers SET seen_at = clock_timestamp() WHERE kind = ANY ($1::text[])';

/** The most times that a request meets a run which ends just then. */
const MOST_TRIES = 3;
/** When a caller may ask again that met only such runs, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** What became of the request under a key; undefined where there is none yet. */
export async function findKey(
  db: Reader,
  { key, fingerprint }: { readonly key: string; readonly fingerprint: string },
): Promise<RequestResult | undefined> {
  type Row = { id: string; fingerprint: string };
  const { rows } = await db.query<Row>({ name: 'find-run-key', text: FIND_KEY, values: [key] });
  const [row] = rows;
  if (!row) return undefined;
  return row.fingerprint === fingerprint ? { kind: 'accepted', runId: row.id } : { kind: 'key reused' };
}

/**
 * Queues a run, unless one of its kind is under way or no worker is set up for it. Refuses UNAVAILABLE where runs begin and
 * end faster than it can be asked for.
 */
export async function requestRun(pool: Pool, request: RunRequest): Promise<RequestResult> {
  const { kind, isFull, requestedBy, key } = request;
  const withinS = requestedBy === BY_SCHEDULE ? WORKER_SEEN_WITHIN_A_DAY_S : WORKER_SEEN_WITHIN_S;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const before = key && (await findKey(pool, key));
    if (before) return before;
    await abandonLostRuns(pool);
    const setUp = await pool.query<{ is_set_up: boolean }>(IS_SET_UP, [kind, withinS]);
    if (!setUp.rows[0]?.is_set_up) return { kind: 'not configured' };
    const values = [kind, isFull, requestedBy, key?.key ?? null, key?.fingerprint ?? null];
    const [made] = (await pool.query<{ id: string }>(INSERT, values)).rows;
    if (made) return { kind: 'accepted', runId: made.id };
    const same = key && (await findKey(pool, key));
    if (same) return same;
    const [other] = (await pool.query<{ id: string }>(UNDER_WAY, [kind])).rows;
    if (other) return { kind: 'under way', runId: other.id };
  }
  throw new Refusal('UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
}

/** Ends the runs whose leases are over. */
export async function abandonLostRuns(pool: Pool): Promise<void> {
  await pool.query({ name: 'abandon-lost-runs', text: 'SELECT abandon_lost_recovery_runs()', values: [] });
}

/** A run that a worker has taken. */
export interface ClaimedRun {
  readonly id: string;
  readonly isFull: boolean;
}

/** Takes the run of a kind that is queued, for a process that then has to say every `leaseMs` that it lives. */
export async function claimRun(
  pool: Pool,
  kind: RunKind,
  worker: string,
  leaseMs: number,
): Promise<ClaimedRun | undefined> {
  await abandonLostRuns(pool);
  return (await pool.query<ClaimedRun>({ name: 'claim-run', text: CLAIM, values: [kind, worker, leaseMs] }))
    .rows[0];
}

/** Puts its end of lease off; false where the run is not the worker's any more. */
export async function keepRun(pool: Pool, id: string, worker: string, leaseMs: number): Promise<boolean> {
  return (await pool.query({ name: 'keep-run', text: KEEP, values: [id, worker, leaseMs] })).rowCount === 1;
}

/** How a run ended. */
export interface RunEnd {
  /** Empty where it succeeded. */
  readonly error: string;
  /** What came of it, and `hasListed` where the list of the storage was read whole; undefined where there is nothing to tell. */
  readonly report: object | undefined;
}

/** Ends a run; false where it is not the worker's any more. */
export async function finishRun(
  db: Reader,
  id: string,
  worker: string,
  { error, report }: RunEnd,
): Promise<boolean> {
  const values = [
    id,
    worker,
    error === '' ? 'succeeded' : 'failed',
    error,
    report ? JSON.stringify(report) : null,
  ];
  return (await db.query({ name: 'finish-run', text: FINISH, values })).rowCount === 1;
}

/** Notes that a worker lives which is set up for these kinds of runs. */
export async function noteWorker(pool: Pool, kinds: readonly RunKind[]): Promise<void> {
  await pool.query({ name: 'note-recovery-worker', text: NOTE_WORKER, values: [textArray(kinds)] });
}
