// Dead letters: jobs that failed as often as they were tried, kept where Redis cannot lose them.
import type { Pool } from 'pg';
import type { JobData, JobName } from '../../domain/jobs.ts';
import type { Reader } from '../pool.ts';

/** A job that failed for good. */
export interface FailedJob {
  readonly job: JobName;
  /** Its id in the queue. */
  readonly queueId: string;
  readonly data: JobData;
  readonly error: string;
  readonly attempts: number;
  /** The `queue_id` of the row of the outbox that it came from; none when a schedule made it. */
  readonly rowQueueId: string | undefined;
}

/** Writes the dead letter and removes the row of the outbox in one statement: a job is always in exactly one of them. */
const INSERT_DEAD_LETTER = `
  WITH done AS (DELETE FROM outbox WHERE queue_id = $6)
  INSERT INTO dead_letters (job, queue_id, data, error, attempts) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (job, queue_id) DO NOTHING`;

/** Inserts a dead letter; repeating it changes nothing. */
export async function insertDeadLetter(
  pool: Pool,
  { job, queueId, data, error, attempts, rowQueueId }: FailedJob,
): Promise<void> {
  await pool.query({
    name: 'insert-dead-letter',
    text: INSERT_DEAD_LETTER,
    values: [job, queueId, JSON.stringify(data), error, attempts, rowQueueId ?? null],
  });
}

const COUNT = 'SELECT count(*)::integer AS count FROM dead_letters WHERE replayed_at IS NULL';

/** How many dead letters nobody has sent to the queue again. */
export async function countDeadLetters(db: Reader): Promise<number> {
  const statement = { name: 'count-dead-letters', text: COUNT, values: [] };
  return (await db.query<{ count: number }>(statement)).rows[0]?.count ?? 0;
}
