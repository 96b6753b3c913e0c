// Bull Board: the queues as a page for people, behind a key.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { Queues } from './queues.ts';

/** Where it is served. */
export const BOARD_PATH = '/queues';

/**
 * Serves the board to who brings the ops key: as the password of HTTP basic authentication, which browsers ask for, with
 * any name. Without a key there is no board. Returns whether the request was for it.
 */
export function board(queues: Queues, opsKey: string | undefined) {
  const adapter = new ExpressAdapter();
  adapter.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: Object.values(queues).map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
  });
  const router = adapter.getRouter();
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const path = new URL(request.url ?? '/', 'http://ops').pathname;
    if (opsKey === undefined || (path !== BOARD_PATH && !path.startsWith(`${BOARD_PATH}/`))) return false;
    if (!brings(request, opsKey)) {
      response.writeHead(401, {
        'www-authenticate': 'Basic realm="ppuri ops"',
        'content-type': 'text/plain',
      });
      response.end('the ops key is the password\n');
      return true;
    }
    request.url = (request.url ?? '').slice(BOARD_PATH.length) || '/';
    router(request, response, (error: unknown) => {
      response.writeHead(error === undefined ? 404 : 500, { 'content-type': 'text/plain' });
      response.end(error === undefined ? 'no such page\n' : 'the queues cannot be read\n');
    });
    return true;
  };
}

/** Compares digests, whose lengths are equal and whose comparison takes the same time for all. */
function brings({ headers: { authorization = '' } }: IncomingMessage, opsKey: string): boolean {
  const [, credentials = ''] = /^Basic ([\w+/=]+)$/.exec(authorization) ?? [];
  const password = Buffer.from(credentials, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(password), digest(opsKey));
}
