// What sends the feed on, each where it is switched on.
import type { Pool } from '../db/pool.ts';
import type { Resources } from '../runtime/index.ts';
import type { WorkerConfig } from './config.ts';
import { startKafka } from './kafka/index.ts';
import { startWebhooks } from './webhooks/index.ts';

/** Sends events to webhooks and to Kafka. */
export async function startSenders(
  config: WorkerConfig,
  resources: Resources,
  archive: Pool | undefined,
): Promise<void> {
  startWebhooks(config, resources, archive);
  await startKafka(config, resources, archive);
}
