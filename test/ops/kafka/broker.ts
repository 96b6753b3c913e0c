// A real broker of Apache Kafka in KRaft mode, which a test kills and starts again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Admin, Consumer, stringDeserializers } from '@platformatic/kafka';
import type { FoundProgram } from '../../../scripts/dev/install.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { mavenJars } from '../../../scripts/ops/install.ts';
import { type Part, startPart } from '../../../scripts/ops/parts/part.ts';
import { makeAuthority } from '../../certificates.ts';
import { mustRun } from '../../must-run.ts';

/** Java on a busy machine with two cores. */
const READY_TIMEOUT_MS = 120_000;
/** It starts in a third of the time without its second compiler. */
const JAVA = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
/** Any UUID. */
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk';
const HOST = '127.0.0.1';

/** The login that the door over TLS takes. */
export const LOGIN = { username: 'ppuri', password: 'a-password-of-kafka' } as const;

/** A message as a consumer reads it. */
export interface ReadMessage {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A broker. Disposing of it ends it. */
export interface Broker extends AsyncDisposable {
  /** HOST:PORT without TLS or login. */
  readonly address: string;
  /** HOST:PORT that takes LOGIN by SCRAM-SHA-512 over TLS. */
  readonly secureAddress: string;
  /** The authority of its certificate. */
  readonly caFile: string;
  createTopic(topic: string, partitions: number): Promise<void>;
  /** What a topic has now, of each partition in its order. */
  read(topic: string): Promise<ReadMessage[]>;
  /** Ends it like a crash. */
  kill(): Promise<void>;
  /** Starts it again, with all that it had. */
  restart(): Promise<void>;
}

/** The folder with the jars of the broker, or why they cannot be had. */
export const findBroker = (): Promise<FoundProgram> => mavenJars(join(import.meta.dirname, 'pom.xml'));

/** Starts a broker with its data in a folder. */
export async function startBroker(jars: string, folder: string): Promise<Broker> {
  mkdirSync(folder, { recursive: true });
  const [port = 0, securePort = 0, controllerPort = 0] = await findFree(3);
  const authority = makeAuthority(folder, 'kafka-ca');
  const settings = join(folder, 'server.properties');
  writeFileSync(
    settings,
    propertiesOf(folder, { port, securePort, controllerPort }, keyStoreOf(authority, folder)),
  );
  const java = [...JAVA, '-cp', join(jars, '*')];
  const { username, password } = LOGIN;
  await mustRun('java', [
    ...[...java, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', settings, '--standalone'],
    ...['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`],
  ]);
  const start = () =>
    startPart({
      ...{ name: 'Kafka', folder, url: `tcp://${HOST}:${port}`, command: 'java' },
      args: [...java, 'kafka.Kafka', settings],
      isReady: () => accepts(port),
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
  let running: Part = await start();
  const address = `${HOST}:${port}`;
  return {
    ...{ address, secureAddress: `localhost:${securePort}`, caFile: authority.caFile },
    createTopic: (topic, partitions) => createTopic(address, topic, partitions),
    read: (topic) => readTopic(address, topic),
    kill: async () => {
      running.signal('SIGKILL');
      await running.ended;
    },
    restart: async () => {
      running = await start();
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

function propertiesOf(
  folder: string,
  ports: { readonly port: number; readonly securePort: number; readonly controllerPort: number },
  keyStore: string,
): string {
  const open = `PLAINTEXT://${HOST}:${ports.port}`;
  const controller = `CONTROLLER://${HOST}:${ports.controllerPort}`;
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `${HOST}:${ports.controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: [open, `SASL_SSL://${HOST}:${ports.securePort}`, controller].join(),
    'advertised.listeners': [open, `SASL_SSL://localhost:${ports.securePort}`].join(),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    // A broker that was killed is known to be gone, and may come back, after this instead of 9 s.
    'broker.session.timeout.ms': 1_500,
    'broker.heartbeat.interval.ms': 250,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Its key and its certificate in one file, as Kafka reads PEM. */
function keyStoreOf(authority: ReturnType<typeof makeAuthority>, folder: string): string {
  const { certFile, keyFile } = authority.issue('localhost');
  const file = join(folder, 'keystore.pem');
  writeFileSync(file, readFileSync(keyFile, 'utf8') + readFileSync(certFile, 'utf8'));
  return file;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function createTopic(address: string, topic: string, partitions: number): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [address] });
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
  } finally {
    await admin.close();
  }
}

async function readTopic(address: string, topic: string): Promise<ReadMessage[]> {
  const consumer = new Consumer({
    ...{ clientId: 'test', groupId: crypto.randomUUID(), bootstrapBrokers: [address] },
    deserializers: stringDeserializers,
    autocommit: false,
  });
  try {
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? [];
    const count = ends.reduce((sum, end) => sum + Number(end), 0);
    const messages: ReadMessage[] = [];
    if (count === 0) return messages;
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', maxWaitTime: 100 });
    for await (const { partition, key, value, headers } of stream) {
      messages.push({ partition, key, value, headers: Object.fromEntries(headers) });
      if (messages.length >= count) break;
    }
    return messages;
  } finally {
    await consumer.close(true);
  }
}
