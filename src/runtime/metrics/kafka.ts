// Metrics of what is sent to Kafka. The lag stands in the database, so every worker that sends there tells the same.
import { Counter, type Registry } from 'prom-client';
import { stateGauges } from './gauges.ts';

/** Records what becomes of events. It does not throw. */
export interface KafkaRecorder {
  sent(events: number): void;
  failed(): void;
}

/** Creates them; `readLag` reads for how long the event that waits longest has been sealed, in seconds. */
export function kafkaMetrics(registry: Registry, readLag: () => Promise<number>): KafkaRecorder {
  const lag = {
    name: 'ppuri_kafka_lag_seconds',
    help: 'For how long an event that Kafka has not acknowledged could have been sent; of several, the longest.',
    read: (seconds: number) => seconds,
  };
  stateGauges(registry, [lag], readLag);
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] });
  const sent = counter('ppuri_kafka_events_sent_total', 'Events that Kafka has acknowledged.');
  const failures = counter(
    'ppuri_kafka_failures_total',
    'Attempts to send to Kafka that failed, and are repeated.',
  );
  return { sent: (events) => sent.inc(events), failed: () => failures.inc() };
}
