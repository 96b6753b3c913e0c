// How far the feed was sent to a topic of Kafka, and which worker sends (migration 0220).
import type { Pool, Reader } from './pool.ts';

/** A place in the feed up to which everything was sent. */
export interface KafkaPlace {
  /** The feed's epoch when it was saved. */
  readonly epoch: string;
  readonly sequence: bigint;
}

/** A worker that sends to a topic when it is its turn. */
export interface KafkaSender {
  readonly topic: string;
  /** A UUID of the worker. */
  readonly worker: string;
  /** For how long another worker leaves the topic to one that died, in milliseconds. */
  readonly leaseMs: number;
}

interface PlaceRow {
  epoch: string;
  last_sequence: string;
}

const HELD = `
  SELECT epoch, last_sequence, worker <> $2 AND lease_until > clock_timestamp() AS is_of_another,
    worker = $2 AND lease_until > clock_timestamp() + $3 * interval '1 millisecond' / 2 AS is_ours
  FROM kafka_cursors WHERE topic = $1`;

/** A topic that is new begins with the oldest event that is kept. */
const HOLD = `
  INSERT INTO kafka_cursors AS c (topic, epoch, last_sequence, worker, lease_until)
  SELECT $1, epoch, purged_through, $2, clock_timestamp() + $3 * interval '1 millisecond' FROM feed_state
  ON CONFLICT (topic) DO UPDATE SET worker = excluded.worker, lease_until = excluded.lease_until
    WHERE c.worker = $2 OR c.lease_until < clock_timestamp()
  RETURNING epoch, last_sequence`;

/** The lease of a worker that gets on lasts longer. */
const SAVE = `
  UPDATE kafka_cursors SET epoch = $6, last_sequence = $7,
    lease_until = CASE WHEN worker = $2 THEN clock_timestamp() + $3 * interval '1 millisecond' ELSE lease_until END
  WHERE topic = $1 AND epoch = $4 AND last_sequence = $5`;

const RELEASE = `UPDATE kafka_cursors SET worker = NULL, lease_until = '-infinity' WHERE topic = $1 AND worker = $2`;

const LAG = `
  SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT s.sealed_at FROM feed_segments s WHERE s.last_sequence > coalesce(
    (SELECT c.last_sequence FROM kafka_cursors c WHERE c.topic = $1), f.purged_through) ORDER BY s.last_sequence LIMIT 1)), 0)::float8 AS lag
  FROM feed_state f`;

/** Takes or keeps the topic and returns its place; undefined while another worker has it. Writes only where the lease changes. */
export async function holdKafkaTopic(
  pool: Pool,
  { topic, worker, leaseMs }: KafkaSender,
): Promise<KafkaPlace | undefined> {
  type Row = PlaceRow & { is_of_another: boolean | null; is_ours: boolean | null };
  const values = [topic, worker, leaseMs];
  const [held] = (await pool.query<Row>({ name: 'held-kafka-topic', text: HELD, values })).rows;
  if (held?.is_ours) return placeOf(held);
  if (held?.is_of_another) return undefined;
  const { rows } = await pool.query<PlaceRow>({ name: 'hold-kafka-topic', text: HOLD, values });
  return rows[0] && placeOf(rows[0]);
}

/**
 * Moves the place on, and returns whether it still stood at `from`. The lease does not matter: a worker that was slow and lost
 * it gets on as long as no other has, and none takes the place back.
 */
export async function saveKafkaPlace(
  pool: Pool,
  { topic, worker, leaseMs }: KafkaSender,
  from: KafkaPlace,
  to: KafkaPlace,
): Promise<boolean> {
  const values = [topic, worker, leaseMs, from.epoch, from.sequence, to.epoch, to.sequence];
  const { rowCount } = await pool.query({ name: 'save-kafka-place', text: SAVE, values });
  return rowCount === 1;
}

/** Leaves the topic to others at once. */
export async function releaseKafkaTopic(
  pool: Pool,
  { topic, worker }: Pick<KafkaSender, 'topic' | 'worker'>,
): Promise<void> {
  await pool.query({ name: 'release-kafka-topic', text: RELEASE, values: [topic, worker] });
}

/** For how long the event that waits longest to be sent has been sealed, in seconds; 0 where none waits. */
export async function kafkaLagSeconds(db: Reader, topic: string): Promise<number> {
  const { rows } = await db.query<{ lag: number }>({ name: 'kafka-lag', text: LAG, values: [topic] });
  return Math.max(0, rows[0]?.lag ?? 0);
}

function placeOf({ epoch, last_sequence }: PlaceRow): KafkaPlace {
  return { epoch, sequence: BigInt(last_sequence) };
}
