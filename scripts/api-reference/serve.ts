// Serves the API reference on this machine, out of memory.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { HOST } from '../dev/ports.ts';
import { CONTENT_SECURITY_POLICY } from './layout.ts';

/** The reference while it is served. */
export interface ReferenceServer extends AsyncDisposable {
  readonly url: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
};

/** More connections than a browser opens; further ones are closed at once. */
const MAX_CONNECTIONS = 64;
/** How long a request may take to arrive, in milliseconds. */
const REQUEST_MS = 5_000;

/** Serves the reference on a port of 127.0.0.1. Its pages are printed with the first request. */
export async function serveApiReference(port: number): Promise<ReferenceServer> {
  let printing: Promise<ReadonlyMap<string, string>> | undefined;
  const files = () => {
    printing ??= import('./site.ts').then(({ apiReference }) => apiReference());
    // The next request tries again: the files may be corrected by then.
    return printing.catch((error: unknown) => {
      printing = undefined;
      throw error;
    });
  };
  const server = createServer(
    { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS },
    (request, response) => {
      answer(request, response).catch((error: unknown) => {
        response
          .writeHead(500, { 'content-type': 'text/plain' })
          .end(`the pages cannot be printed: ${error}\n`);
      });
    },
  );
  const answer = async ({ method, url = '/' }: IncomingMessage, response: ServerResponse) => {
    const path = (url.split('?')[0] ?? '').slice(1).replace(/(?<=^|\/)$/, 'index.html');
    const file = method === 'GET' || method === 'HEAD' ? (await files()).get(path) : undefined;
    response.setHeader('x-content-type-options', 'nosniff');
    if (file === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('there is no such page\n');
      return;
    }
    const headers = {
      'content-type': `${TYPES[extname(path)]}; charset=utf-8`,
      'content-security-policy': `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
      'cache-control': 'no-cache',
    };
    response.writeHead(200, headers).end(method === 'HEAD' ? undefined : file);
  };
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  return {
    url: `http://${HOST}:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
