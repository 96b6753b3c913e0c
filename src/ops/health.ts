// The ops port: is the process alive, and can it do its work.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the ops port needs to know. */
export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  /** Checks what the process needs; the names of what is away. */
  check(): Promise<string[]>;
  /** Serves other pages; returns whether a request was for one of them. */
  readonly pages?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Serves /healthz (alive) and /readyz (able to work; 503 with what is away) until it is stopped. */
export async function serveHealth(options: HealthOptions): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (request.url === '/healthz') return answer(200, { status: 'alive' });
    if (options.pages?.(request, response)) return;
    if (request.url !== '/readyz')
      return answer(404, { status: 'no such page', pages: ['/healthz', '/readyz'] });
    const away = await options.check();
    return away.length === 0 ? answer(200, { status: 'ready' }) : answer(503, { status: 'not ready', away });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, stop };
}
