// Requests that HTTP itself has something against, byte for byte: each is answered in the one shape, and told what is wrong.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { NO_SERVER, startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';

const skip = withoutEdge;
const folder = mkdtempSync(join(tmpdir(), 'ppuri-http-'));
// Nothing is behind it: what gets through is answered UNAVAILABLE.
let edge: Envoy;
before(async () => {
  if (!skip) edge = await startTestEdge(folder, NO_SERVER);
});
after(async () => {
  await edge?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends text over a connection of its own; all that comes back until it is closed. */
function exchange(address: string, text: string): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    let came = '';
    const socket = connect(Number(port), host, () => socket.write(text));
    socket.on('data', (chunk) => {
      came += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(came));
  });
}

const get = 'GET /api/v1/wallet/balance';
const post =
  'POST /api/v1/wallet/charge HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json';

/** What is sent, and what the answer has to say. */
const CASES: readonly (readonly [text: string, status: number, says: RegExp])[] = [
  [`${get} HTTP/1.0\r\n\r\n`, 400, /this version of HTTP is not served; use HTTP\/1.1 or HTTP\/2/],
  [`${get} HTTP/1.0\r\nhost: x\r\n\r\n`, 400, /this version of HTTP is not served/],
  [`${get}\r\n\r\n`, 400, /this version of HTTP is not served/],
  [`${get} HTTP/1.1\r\nconnection: close\r\n\r\n`, 400, /the host header is missing/],
  ['hello\r\n\r\n', 400, /not well-formed HTTP\/1.1/],
  [`FOO /api/v1/wallet/balance HTTP/1.1\r\nhost: x\r\n\r\n`, 400, /not well-formed HTTP\/1.1/],
  [`${get} HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n`, 400, /not well-formed HTTP\/1.1/],
  [`OPTIONS /api/v1/wallet/balance HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, 404, /ROUTE_NOT_FOUND/],
  ['OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 404, /ROUTE_NOT_FOUND/],
];

test('malformed HTTP requests are answered with an ErrorInfo', { skip }, async () => {
  // Side by side: Envoy closes a connection only a second after such an answer.
  await Promise.all(
    CASES.map(async ([text, status, says]) => {
      const came = await exchange(new URL(edge.restUrl).host, text);
      assert.match(came, new RegExp(`^HTTP/1.1 ${status} `), text);
      assert.match(came, says, text);
      assert.match(came, /"@type":"type.googleapis.com\/google.rpc.ErrorInfo".*"code":"ERR00\d"/, text);
    }),
  );
});

test('malformed HTTP requests are answered with an ErrorInfo on the gRPC listener too', {
  skip,
}, async () => {
  await Promise.all(
    CASES.map(async ([text, status]) => {
      const came = await exchange(edge.grpcAddress, text);
      assert.match(came, new RegExp(`^HTTP/1.1 ${status} `), text);
      assert.match(came, /"@type":"type.googleapis.com\/google.rpc.ErrorInfo".*"code":"ERR00\d"/, text);
    }),
  );
});

test('CONNECT is refused at once, and not when the time of a request is up', { skip }, async () => {
  const startedAt = performance.now();
  for (const address of [new URL(edge.restUrl).host, edge.grpcAddress]) {
    const text = 'CONNECT example.com:80 HTTP/1.1\r\nhost: example.com:80\r\nconnection: close\r\n\r\n';
    const came = await exchange(address, text);
    assert.match(came, /^HTTP\/1.1 4\d\d .*"@type":"type.googleapis.com\/google.rpc.ErrorInfo"/s);
  }
  assert.ok(performance.now() - startedAt < 5_000);
});

test('HEAD is answered 404 without a body', { skip }, async () => {
  const text = 'HEAD /api/v1/wallet/balance HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
  assert.match(await exchange(new URL(edge.restUrl).host, text), /^HTTP\/1.1 404 .*\r\n\r\n$/s);
});

test('a request with expect: 100-continue gets 100 Continue', { skip }, async () => {
  const text = `${post}\r\nexpect: 100-continue\r\ncontent-length: 12\r\n\r\n{"amount":1}`;
  const came = await exchange(new URL(edge.restUrl).host, text);
  assert.match(came, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 503 .*"reason":"UNAVAILABLE"/s);
});
