// Reads what the ops port and the health checks of a server answer.
import { Client, type ClientReadableStream, credentials, type ServiceDefinition } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

/** Reads a page of JSON of the ops port. */
export async function readPage(
  opsUrl: string,
  path: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(opsUrl + path);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** One sample of a page of metrics. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads and takes apart /metrics. */
export async function readMetrics(opsUrl: string): Promise<Sample[]> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]);
      return { name, labels: Object.fromEntries(pairs), value: Number(value) };
    });
}

/** The sum over the samples of a name that have at least these labels. */
export function sumOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** A stream of statuses. */
export interface HealthWatch {
  /** The statuses that came so far. */
  readonly statuses: readonly string[];
  /** Resolves with how the server ended it. */
  readonly ended: Promise<{ readonly code: number }>;
  cancel(): void;
}

/** A client of grpc.health.v1. */
export interface HealthClient {
  check(name: string): Promise<string>;
  watch(name: string): HealthWatch;
  close(): void;
}

interface HealthAnswer {
  readonly status: string;
}

export function healthClient(address: string): HealthClient {
  const client = new Client(address, credentials.createInsecure());
  const method = (name: string) => (service as ServiceDefinition)[name] as ServiceDefinition[string];
  return {
    check: (name) => {
      const { path, requestSerialize, responseDeserialize } = method('Check');
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { service: name },
          (error, answer) => (error ? reject(error) : resolve((answer as HealthAnswer).status)),
        );
      });
    },
    watch: (name) => {
      const { path, requestSerialize, responseDeserialize } = method('Watch');
      const stream: ClientReadableStream<HealthAnswer> = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { service: name },
      );
      const statuses: string[] = [];
      stream.on('data', ({ status }: HealthAnswer) => statuses.push(status));
      stream.on('error', () => {});
      const ended = new Promise<{ code: number }>((resolve) => stream.on('status', resolve));
      return { statuses, ended, cancel: () => stream.cancel() };
    },
    close: () => client.close(),
  };
}
