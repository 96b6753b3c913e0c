// Starts sending to Kafka, in a worker that is told of brokers.
import { kafkaLagSeconds } from '../../db/kafka.ts';
import type { Pool } from '../../db/pool.ts';
import { errorText } from '../../domain/error-fields.ts';
import { missingTransferAlarm, type Resources } from '../../runtime/index.ts';
import type { WorkerConfig } from '../config.ts';
import { KAFKA_CONNECTIONS } from '../connections.ts';
import { createEventSource } from '../feed/index.ts';
import { createKafkaSink, KAFKA_TIMES } from './sink.ts';
import { createTarget } from './target.ts';
import type { KafkaObserver } from './tools.ts';

/** Sends the feed to KAFKA_TOPIC; where KAFKA_BROKERS is not set it does nothing and loads nothing. */
export async function startKafka(
  { kafka }: Pick<WorkerConfig, 'kafka'>,
  resources: Resources,
  archive: Pool | undefined,
): Promise<void> {
  if (kafka.brokers.length === 0) return;
  const { createPool, use, logs, metrics } = resources;
  const { topic } = kafka;
  const target = await createTarget(kafka);
  const pool = createPool('kafka', { maxConnections: KAFKA_CONNECTIONS });
  const { sent, failed } = metrics.kafka(() => kafkaLagSeconds(pool, topic));
  const observer: KafkaObserver = {
    sent,
    failed: (error) => {
      failed();
      logs.app.warn({ what: topic, reason: errorText(error) }, 'trouble with Kafka');
    },
    told: ({ type, afterSequence, throughSequence }) =>
      logs.app.warn(
        { what: topic, state: `${type} after ${afterSequence} through ${throughSequence}` },
        'readers of the topic were told that the feed has a break',
      ),
  };
  const feed = createEventSource({
    reads: pool,
    archive,
    onMissingTransfers: missingTransferAlarm(resources),
  });
  use(createKafkaSink({ ...{ pool, feed, topic, target, observer }, times: KAFKA_TIMES }));
}
