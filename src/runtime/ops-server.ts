// The ops port: is the process alive, can it do its work, and what does it measure.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** What the ops port listens on and shows. */
export interface OpsOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly readiness: () => Ready | Promise<Ready>;
  readonly metrics: Pick<Metrics, 'page'>;
  /** Serves other pages; returns whether a request was for one of them. */
  readonly more?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

/** A server of health and metrics. */
export interface OpsServer extends AsyncDisposable {
  readonly port: number;
}

/** Whether a process can do its work, as JSON. */
type Ready = { readonly status: 'ready' | 'degraded' | 'not ready' };

/** Requests are small: a client that sends one slowly, or none, loses its connection. All in milliseconds. */
const TIMES = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 30_000,
};
/** Far more than probes, scrapers and operators have, and few enough that they cost the process nothing. */
const MAX_CONNECTIONS = 1_000;

type Page = (response: ServerResponse) => void | Promise<void>;

/**
 * Serves /healthz (alive), /readyz (200 while calls can be taken, also without Redis; otherwise 503) and /metrics until
 * it is disposed of. A server answers about its health from memory, so frequent probes cost nothing.
 */
export async function createOpsServer(options: OpsOptions): Promise<OpsServer> {
  const pages: Readonly<Record<string, Page>> = {
    // Only a process whose event loop hangs may be killed by an orchestrator.
    '/healthz': (response) => sendJson(response, 200, { status: 'alive' }),
    '/readyz': async (response) => {
      const readiness = await options.readiness();
      sendJson(response, readiness.status === 'not ready' ? 503 : 200, readiness);
    },
    '/metrics': async (response) => {
      const { body, mediaType } = await options.metrics.page();
      response.writeHead(200, { 'content-type': mediaType, 'cache-control': 'no-store' }).end(body);
    },
  };
  const server = createServer(TIMES, async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    try {
      if (page) await page(response);
      else if (!options.more?.(request, response))
        sendJson(response, 404, { status: 'no such page', pages: Object.keys(pages) });
    } catch {
      sendJson(response, 500, { status: 'this page cannot be made' });
    }
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

function sendJson(response: ServerResponse, status: number, answer: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(answer)}\n`);
}
