// Sends to webhooks as a worker does, with short times, and receivers that note what they get.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from '../../src/db/pool.ts';
import type { RetryPolicy } from '../../src/domain/webhook.ts';
import { createSealer } from '../../src/worker/feed/index.ts';
import type { WebhookTimes } from '../../src/worker/webhooks/runner.ts';
import { createWebhooksOf } from '../../src/worker/webhooks/start.ts';
import { SEALING_KEY } from '../keys.ts';
import type { TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

/** What was received: the headers and the body as they came, and the event in it. */
export interface Notification {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly event: { readonly id: string; readonly type: string; readonly subject?: string };
}

/** A receiver of webhooks. */
export interface TestReceiver extends Disposable {
  readonly url: string;
  /** What it got, whatever it answered. */
  readonly received: Notification[];
  /** From now on every connection breaks, those that there are at once. */
  goAway(): void;
  comeBack(): void;
}

/** Decides what a receiver answers: a status, or what is done by hand. */
export type Answering = (received: Notification, response: ServerResponse) => number | undefined;

/** Starts a receiver on a loopback address; it takes everything unless told otherwise. */
export async function startReceiver(answer: Answering = () => 204): Promise<TestReceiver> {
  const received: Notification[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const one = { headers: request.headers as Record<string, string>, body, event: JSON.parse(body) };
      received.push(one);
      const status = answer(one, response);
      if (status !== undefined) response.writeHead(status).end();
    });
  });
  let isAway = false;
  server.on('connection', (socket) => isAway && socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    goAway: () => {
      isAway = true;
      server.closeAllConnections();
    },
    comeBack: () => {
      isAway = false;
    },
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const text of request) body += text;
  return body;
}

/** How soon things are tried again in tests. */
export interface DeliverySettings {
  readonly times?: WebhookTimes;
  readonly retries?: RetryPolicy;
  readonly timeoutMs?: number;
  /** The archive of the months that are over, if there is one. */
  readonly archive?: Pool;
  /** False lets events of a wallet overtake each other. */
  readonly isOrdered?: boolean;
}

/** A webhook of a worker that died is taken by another one within a second. */
export const SHORT_WEBHOOK_TIMES: WebhookTimes = { pollMs: 10, leaseMs: 1_000 };
export const SHORT_RETRIES: RetryPolicy = { firstMs: 20, mostMs: 100, giveUpMs: 60_000, awayMs: 60_000 };

/** Seals and sends until it is disposed of. */
export function startDeliveries(
  database: Pick<TestDatabase, 'workerUrl'>,
  {
    times = SHORT_WEBHOOK_TIMES,
    retries = SHORT_RETRIES,
    timeoutMs = 5_000,
    archive,
    isOrdered = true,
  }: DeliverySettings = {},
): AsyncDisposable {
  const stack = new AsyncDisposableStack();
  const pool = createTestPool(database.workerUrl);
  stack.defer(() => pool.end());
  const trouble = (what: string, error: unknown) => console.error(what, error);
  stack.use(createSealer({ pool, observer: { trouble } }));
  const observer = { trouble, attempted: () => {}, expired: () => {}, paused: () => {} };
  const onMissingTransfers = (ids: readonly string[]) => trouble('missing', ids);
  const sources = { pool, archive, sealingKeys: [SEALING_KEY] as const, observer, onMissingTransfers };
  stack.use(
    createWebhooksOf(sources, {
      ...{ times, retries, sender: { allowsLoopback: true, timeoutMs } },
      ...(!isOrdered && { walletIdsOf: () => [] }),
    }),
  );
  return stack;
}
