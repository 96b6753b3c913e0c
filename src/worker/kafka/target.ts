// The topic of a real Kafka, by a client that is loaded only where it is used.
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import type { Producer } from '@platformatic/kafka';
import { CLOUD_EVENT_TYPE } from '../../domain/cloud-event.ts';
import type { WorkerConfig } from '../config.ts';
import type { EventTopic, KafkaMessage } from './tools.ts';

/** How long brokers have for a connection, for an answer, and for all attempts to send a request, in milliseconds. */
const [CONNECT_MS, ANSWER_MS, SEND_MS] = [3_000, 10_000, 30_000];
/** The client repeats a request under the same sequence numbers, so that brokers drop doubles. */
const [RETRIES, RETRY_MS] = [2, 200];
const HEADERS = { 'content-type': CLOUD_EVENT_TYPE };

/** What went wrong with Kafka: `code` is the name of its protocol's error, or that of the connection. */
export class KafkaError extends Error {
  override name = 'KafkaError';
  readonly code: string;

  constructor(code: string) {
    super(`sending to Kafka failed: ${code}`);
    this.code = code;
  }
}

/** Loads the client; it connects with the first message. */
export async function createTarget({
  brokers,
  topic,
  tls,
  sasl,
}: WorkerConfig['kafka']): Promise<EventTopic> {
  const client = await import('@platformatic/kafka');
  const { mechanism, username = '', password = '' } = sasl;
  const tlsOptions: ConnectionOptions = {};
  // The client names each host to the broker (SNI) or none, and throws for an address where nobody can catch it.
  client.connectionsConnectsChannel.start.subscribe((about) => {
    const { host = '' } = about as { host?: string };
    tlsOptions.servername = isIP(host) === 0 ? host : '';
  });
  const options = {
    clientId: 'ppuri',
    bootstrapBrokers: [...brokers],
    serializers: client.stringSerializers,
    // Keys are in the partitions where Java's clients have them, too.
    partitioner: client.compatibilityPartitioner,
    idempotent: true,
    acks: client.ProduceAcks.ALL,
    autocreateTopics: false,
    ...{ retries: RETRIES, retryDelay: RETRY_MS, connectTimeout: CONNECT_MS, requestTimeout: ANSWER_MS },
    ...(tls && { tls: tlsOptions }),
    ...(mechanism !== 'none' && { sasl: { mechanism, username, password } }),
  };
  return new Target(topic, () => {
    const producer: StringProducer = new client.Producer(options);
    // The client listens to the first error of a connection. Another one, such as the end after a refused login, would end the process.
    for (const event of ['connect', 'failed'] as const)
      producer.on(`client:broker:${event}`, ({ connection }) => connection.on('error', () => {}));
    return producer;
  });
}

type StringProducer = Producer<string, string, string, string>;

class Target implements EventTopic {
  readonly #topic: string;
  readonly #create: () => StringProducer;
  readonly #closing = new AbortController();
  #producer: StringProducer | undefined;

  constructor(topic: string, create: () => StringProducer) {
    this.#topic = topic;
    this.#create = create;
  }

  async send(messages: readonly KafkaMessage[]): Promise<void> {
    const topic = this.#topic;
    await this.#attempt((producer) =>
      producer.send({ messages: messages.map((message) => ({ ...message, topic, headers: HEADERS })) }),
    );
  }

  async sendToAll(message: KafkaMessage): Promise<void> {
    const topic = this.#topic;
    await this.#attempt(async (producer) => {
      const { topics } = await producer.metadata({ topics: [topic] });
      const count = topics.get(topic)?.partitionsCount ?? 0;
      const messages = Array.from({ length: count }, (_, partition) => ({
        ...{ ...message, topic, partition, headers: HEADERS },
      }));
      await producer.send({ messages });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#close();
  }

  /** After a failure nothing is known of the client's connections and sequence numbers: the next attempt has another client. */
  async #attempt(work: (producer: StringProducer) => Promise<unknown>): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#closing.signal]);
    try {
      signal.throwIfAborted();
      this.#producer ??= this.#create();
      const late = sleep(SEND_MS, undefined, { signal }).then(() =>
        Promise.reject(new KafkaError('TIMED_OUT')),
      );
      await Promise.race([work(this.#producer), late]);
    } catch (error) {
      this.#close();
      throw this.#closing.signal.aborted ? new KafkaError('CLOSED') : new KafkaError(codeOf(error));
    } finally {
      over.abort();
    }
  }

  #close(): void {
    // Connections that are broken need not close well.
    void this.#producer?.close(true).catch(() => {});
    this.#producer = undefined;
  }
}

/** The name of what went wrong: of the first error of the protocol among all causes, otherwise that of the connection. */
function codeOf(error: unknown): string {
  const codes = codesIn(error);
  return codes.find(({ isOfProtocol }) => isOfProtocol)?.code ?? codes.at(-1)?.code ?? 'UNKNOWN';
}

function codesIn(error: unknown): { readonly code: string; readonly isOfProtocol: boolean }[] {
  if (!(error instanceof Error)) return [];
  const { apiId, code, cause, errors, message } = error as Error & Record<string, unknown>;
  const own =
    typeof apiId === 'string' ? apiId : message.startsWith('Unknown topic ') ? UNKNOWN_TOPIC : undefined;
  return [
    ...(own === undefined ? [] : [{ code: own, isOfProtocol: true }]),
    ...(typeof code === 'string' ? [{ code, isOfProtocol: false }] : []),
    ...(Array.isArray(errors) ? errors.flatMap(codesIn) : []),
    ...codesIn(cause),
  ];
}

/** The client words this one itself. */
const UNKNOWN_TOPIC = 'UNKNOWN_TOPIC_OR_PARTITION';
