// Bull Board: the queues as a page for people, behind a key.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { countAttempts } from '../../domain/attempts.ts';
import type { Queues } from './queues.ts';

/** Where it is served. */
const BOARD_PATH = '/queues';

/** An event at the board that is worth a line in the log. */
export interface BoardEvent {
  /** `throttled` occurs once for each time that an address runs out of attempts. */
  readonly kind: 'wrong key' | 'throttled' | 'foreign page' | 'change';
  readonly address: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

/** What the board is made of. */
export interface BoardOptions {
  readonly queues: Queues;
  /** Without a key there is no board. */
  readonly opsKey: string | undefined;
  /** Called for what is refused, and for every request that may change something. */
  readonly observe: (event: BoardEvent) => void;
  /** A monotonic clock in milliseconds; performance.now() when left out. */
  readonly now?: () => number;
}

/** The page's own scripts and styles, and nothing from elsewhere; in no frame, in no cache. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * Serves the board to clients that send the ops key as the password of HTTP basic authentication, with any name. Requests
 * that a page of another site makes a browser send are refused even with the key, which browsers add by themselves. An
 * address that tried too many wrong keys has to wait. Returns whether the request was for the board.
 */
export function board(options: BoardOptions) {
  const { queues, opsKey, observe, now = () => performance.now() } = options;
  const adapter = new ExpressAdapter();
  adapter.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: Object.values(queues).map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
  });
  const router = adapter.getRouter();
  router.disable('x-powered-by');
  const attempts = countAttempts(now);
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const [path = ''] = (request.url ?? '').split('?');
    if (opsKey === undefined || (path !== BOARD_PATH && !path.startsWith(`${BOARD_PATH}/`))) return false;
    const address = request.socket.remoteAddress ?? '';
    const method = request.method ?? '';
    const tell = (kind: BoardEvent['kind']) => observe({ kind, address, method, path });
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const waitMs = attempts.waitMs(address);
    if (waitMs > 0) {
      answer(response, 429, 'too many wrong keys\n', { 'retry-after': String(Math.ceil(waitMs / 1000)) });
    } else if (!brings(request, opsKey)) {
      // A browser's first request has no key yet: it is asked for one, which does not count as an attempt.
      if (request.headers.authorization !== undefined) {
        tell('wrong key');
        if (attempts.fail(address)) tell('throttled');
      }
      answer(response, 401, 'the ops key is the password\n', {
        'www-authenticate': 'Basic realm="ppuri ops"',
      });
    } else if (isForeign(request)) {
      tell('foreign page');
      answer(response, 403, 'pages of other sites stay outside\n');
    } else {
      if (method !== 'GET' && method !== 'HEAD') tell('change');
      request.url = (request.url ?? '').slice(BOARD_PATH.length) || '/';
      router(request, response, (error: unknown) =>
        error === undefined
          ? answer(response, 404, 'no such page\n')
          : answer(response, 500, 'the queues cannot be read\n'),
      );
    }
    return true;
  };
}

function answer(response: ServerResponse, status: number, text: string, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(text);
}

/**
 * Whether a browser says that a page of another site made the request (Fetch Metadata, and the Origin header of all requests
 * but plain reads). Other clients send neither. The scheme may differ: TLS may end in front of us.
 */
function isForeign({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin, host } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

/** Compares digests in constant time; unlike passwords they have equal lengths. */
function brings({ headers: { authorization = '' } }: IncomingMessage, opsKey: string): boolean {
  const [, credentials = ''] = /^Basic ([\w+/=]+)$/i.exec(authorization) ?? [];
  const password = Buffer.from(credentials, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(password), digest(opsKey));
}
