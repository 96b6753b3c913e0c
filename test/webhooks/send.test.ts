// One attempt against receivers that misbehave: it ends in time, follows nothing, and reads little.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSender, type SendResult } from '../../src/webhooks/index.ts';
import { type Authority, makeAuthority } from '../certificates.ts';

/** For receivers that answer, however slow the machine is. */
const PATIENT_MS = 30_000;
/** For receivers that are to be given up. */
const TIMEOUT_MS = 1_000;
let folder: string;
let authority: Authority;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-webhooks-'));
  authority = makeAuthority(folder, 'ours');
});
after(() => rmSync(folder, { recursive: true }));

/** Sends one message to a receiver and closes it; `bytes` is what the receiver could write. */
async function sendTo(
  server: Server,
  { scheme = 'http', timeoutMs = PATIENT_MS }: { scheme?: 'http' | 'https'; timeoutMs?: number } = {},
): Promise<SendResult & { tookMs: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ca = readFileSync(authority.caFile, 'utf8');
  using sender = createSender({ allowsLoopback: true, ca, timeoutMs });
  const startedAt = performance.now();
  const result = await sender.send(`${scheme}://localhost:${port}/hook`, { 'webhook-id': 'one' }, '{"a":1}');
  server.close();
  return { ...result, tookMs: performance.now() - startedAt };
}
const answering = (status: number, headers: Record<string, string> = {}, body = ''): RequestListener => {
  return (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  };
};
const receiver = (listener: (request: IncomingMessage, response: ServerResponse) => void) =>
  createServer(listener);

test('a POST of the body, as it is, with its headers', async () => {
  let seen: unknown;
  const server = receiver((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const { 'content-type': type, 'webhook-id': id } = request.headers;
      seen = [request.method, request.url, type, id, body];
      response.writeHead(204).end();
    });
  });
  const { status, error } = await sendTo(server);
  assert.deepEqual([status, error], [204, '']);
  assert.deepEqual(seen, ['POST', '/hook', 'application/cloudevents+json', 'one', '{"a":1}']);
});

test('a status of 2xx takes it, every other one does not', async () => {
  for (const status of [200, 201, 202, 299])
    assert.equal((await sendTo(receiver(answering(status)))).error, '');
  for (const status of [400, 404, 410, 429, 500, 503]) {
    const { error, ...result } = await sendTo(receiver(answering(status)));
    assert.deepEqual([result.status, error], [status, `HTTP_${status}`]);
  }
});

test('the beginning of an error is kept, without control characters', async () => {
  const { error } = await sendTo(receiver(answering(500, {}, `no\r\n\u0000\u001b[31m${'x'.repeat(5_000)}`)));
  assert.match(error, /^no \[31mx+$/);
  assert.equal(error.length, 200);
});

test('an error that is cut within an emoji is still text that the database takes', async () => {
  const { error } = await sendTo(receiver(answering(500, {}, `${'x'.repeat(199)}😀`)));
  assert.equal(error, `${'x'.repeat(199)}\ufffd`);
});

test('a receiver that switches protocols ends the attempt', async () => {
  const { status, error } = await sendTo(
    receiver(({ socket }) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'),
    ),
  );
  assert.deepEqual([status, error], [0, 'NOT_SENT']);
});

test('Retry-After is heeded in seconds', async () => {
  assert.equal((await sendTo(receiver(answering(503, { 'retry-after': '7' })))).retryAfterMs, 7_000);
  assert.equal((await sendTo(receiver(answering(503, { 'retry-after': '-7' })))).retryAfterMs, 0);
});

test('a redirect is not followed', async () => {
  let others = 0;
  const server = receiver((request, response) => {
    if (request.url !== '/hook') others += 1;
    answering(307, { location: '/elsewhere' })(
      request,
      response as ServerResponse & { req: IncomingMessage },
    );
  });
  assert.deepEqual([(await sendTo(server)).error, others], ['REDIRECT_NOT_FOLLOWED', 0]);
});

test('a receiver that hangs', async () => {
  const silent = receiver(() => {});
  const { error, status, tookMs } = await sendTo(silent, { timeoutMs: TIMEOUT_MS });
  silent.closeAllConnections();
  assert.deepEqual([status, error], [0, 'TIMED_OUT']);
  assert.ok(tookMs >= TIMEOUT_MS * 0.9, String(tookMs));
});

test('a receiver that trickles its headers', async () => {
  const server = receiver((request) => {
    const { socket } = request;
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('x-header: more\r\n'), 50);
    socket.on('close', () => clearInterval(timer));
    socket.on('error', () => {});
  });
  assert.equal((await sendTo(server, { timeoutMs: TIMEOUT_MS })).error, 'TIMED_OUT');
});

test('a receiver that trickles its answer has taken the event by its status, and is left in time', async () => {
  const server = receiver((request, response) => {
    request.resume();
    response.writeHead(200);
    const timer = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(timer));
  });
  const { error, status } = await sendTo(server, { timeoutMs: TIMEOUT_MS });
  assert.deepEqual([status, error], [200, '']);
});

test('of an answer of 10 MB little is read', async () => {
  let left = 0;
  const server = receiver((request, response) => {
    request.resume();
    response.writeHead(500);
    const chunk = Buffer.alloc(65_536, 'x');
    let sent = 0;
    const write = () => {
      while (sent < 10_000_000) {
        sent += chunk.length;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on('drain', write);
    response.on('close', () => {
      left = sent;
    });
    write();
  });
  const { error, status } = await sendTo(server);
  assert.deepEqual([status, error.length], [500, 200]);
  // What the buffers of the two sockets hold.
  assert.ok(left < 9_000_000, String(left));
});

test('a receiver that closes the connection', async () => {
  assert.equal((await sendTo(receiver(({ socket }) => socket.destroy()))).error, 'ECONNRESET');
  const halfway = receiver(({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-le'));
  assert.equal((await sendTo(halfway)).status, 0);
});

test('a certificate is verified: by whom it was issued, and for whom', async () => {
  const stranger = makeAuthority(folder, 'stranger');
  const withCertificate = ({ certFile, keyFile }: { certFile: string; keyFile: string }) =>
    createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, answering(200));
  assert.equal((await sendTo(withCertificate(authority.issue('localhost')), { scheme: 'https' })).error, '');
  const wrong = await sendTo(withCertificate(authority.issue('other.example.com')), { scheme: 'https' });
  assert.equal(wrong.error, 'ERR_TLS_CERT_ALTNAME_INVALID');
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const unknown = await sendTo(withCertificate(stranger.issue('localhost')), { scheme: 'https' });
    assert.equal(unknown.error, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  }
});
