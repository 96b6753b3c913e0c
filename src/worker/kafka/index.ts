// Sends the feed to a topic of Kafka, where KAFKA_BROKERS is set: start.ts starts it in a worker, sink.ts sends what is new and moves the
// place on, messages.ts makes what is sent, and target.ts is the client. Other folders import this file only.

export { startKafka } from './start.ts';
