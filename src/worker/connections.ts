// How many connections to its database a worker opens.
import { sharedConnections } from '../runtime/index.ts';
import type { WorkerConfig } from './config.ts';

/** For jobs, all but the ledger. */
export const JOB_CONNECTIONS = 10;
/** For what takes long. */
export const UPKEEP_CONNECTIONS = 2;
/** For what moves months into the archive. */
export const ARCHIVING_CONNECTIONS = 1;
/** For sealing the feed, which waits for nothing else. */
export const SEALING_CONNECTIONS = 1;
/** For webhooks, apart from those of jobs: a backlog of events delays no refund. */
export const WEBHOOK_CONNECTIONS = 2;
/** For Kafka, where it is sent to. */
export const KAFKA_CONNECTIONS = 1;
/** The one that hears of new jobs. */
const LISTENER_CONNECTIONS = 1;

/** The most that a worker with these settings has at a time; docs/performance.md and the chart count with it. */
export function workerConnections(config: Pick<WorkerConfig, 'ledger' | 'kafka'>): number {
  const jobs = JOB_CONNECTIONS + UPKEEP_CONNECTIONS + ARCHIVING_CONNECTIONS;
  const kafka = config.kafka.brokers.length > 0 ? KAFKA_CONNECTIONS : 0;
  const events = SEALING_CONNECTIONS + WEBHOOK_CONNECTIONS + kafka;
  return sharedConnections(config) + jobs + events + LISTENER_CONNECTIONS;
}
