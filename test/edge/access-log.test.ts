// The edge's access log: a line for each request and each failed connection, whatever bytes a client sends, with no secret in it.
import assert from 'node:assert/strict';
import { readFileSync, renameSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { withKey } from '../api.ts';
import { restClient } from '../api-client.ts';
import { makeAuthority } from '../certificates.ts';
import { startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { callGrpc, send } from './wire.ts';

const skip = withoutEdge;
const ANNA = 8551;
const BO = 8552;
/** Stands in everything that must not be seen again. */
const MARKER = 'm4rker';
type Edge = Awaited<ReturnType<typeof startTestEdge>>;
type Line = Readonly<Record<string, unknown>>;

let stack: Stack;
let edge: Edge;
before(async () => {
  if (skip) return;
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.addRoom('log', [ANNA, BO]);
  edge = await startTestEdge(`${stack.logDir}/edge`, [stack.app.grpcPort]);
});
after(async () => {
  await edge?.stop();
  await stack?.stop();
});

/** All lines so far; each has to be one JSON document in UTF-8. */
function linesIn({ accessLog }: Edge): Line[] {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(accessLog));
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const lines = () => linesIn(edge);

/** The line of this request id. */
const lineOf = (requestId: unknown) =>
  until(`a line of ${requestId}`, () => lines().find((line) => line['http.request.id'] === requestId));

test('a call over REST is a line that its request id joins with the line of its transfer', {
  skip,
}, async () => {
  await stack.fund([ANNA], 1000);
  const paid = await restClient(edge.restUrl, stack.key).call(
    'wallet.v1.WalletService/Transfer',
    { to_user_id: BO, amount: 300, memo: MARKER },
    withKey(ANNA),
  );
  assert.equal(paid.status, 0, paid.reason);
  const transfer = await until('the transfer is logged', () => {
    const text = readFileSync(`${stack.logDir}/transactions.log`, 'utf8');
    const found = text.split('\n').find((line) => line.includes(String(paid.body.transaction_id)));
    return found === undefined ? undefined : (JSON.parse(found) as Line);
  });
  const line = await lineOf(transfer['http.request.id']);
  assert.deepEqual(
    ['url.path', 'http.request.method', 'http.response.status_code', 'event.outcome', 'client.address'].map(
      (name) => line[name],
    ),
    ['/wallet.v1.WalletService/Transfer', 'POST', 200, 'success', '127.0.0.1'],
  );
  assert.ok(Number(line['event.duration']) > 10_000, 'in nanoseconds');
});

test('a call over gRPC is a line with its status, and a refusal is a failure', { skip }, async () => {
  const path = '/wallet.v1.WalletService/GetBalance';
  await callGrpc(edge.grpcAddress, path, { 'x-user-id': '1' });
  const line = await until('its line', () => lines().find((found) => found['url.path'] === path));
  assert.deepEqual(
    ['url.path', 'ppuri.grpc_status', 'event.outcome', 'http.version'].map((name) => line[name]),
    ['/wallet.v1.WalletService/GetBalance', 'Unauthenticated', 'failure', 'HTTP/2'],
  );
});

test('no header, query, body, token or idempotency key of a client is in it', { skip }, async () => {
  const headers = {
    signature: `sig1=:${MARKER}:`,
    'signature-input': `sig1=("${MARKER}");keyid="${MARKER}"`,
    'x-user-id': MARKER,
    'idempotency-key': MARKER,
    authorization: MARKER,
    cookie: MARKER,
    'content-type': 'application/json',
  };
  const before = lines().length;
  const wishes = [
    { target: `/api/v2/outcomes/${MARKER}` },
    { target: `/api/v2/outcomes/${MARKER}/more` },
    { target: `/api/v2/outcomes?idempotency_key=${MARKER}` },
    { target: `/api/v1/sprinkles/${MARKER}` },
    { target: `/a-longer-path-that-is-none/${MARKER}?${MARKER}` },
    { target: `/api/v1/wallet/balance?${MARKER}=1` },
    { method: 'POST', target: `/api/v1/wallet/transfer`, body: `{"${MARKER}": 1}` },
    { method: 'POST', target: `/api/v1/wallet/transfer`, body: `{"to_user_id": "${MARKER}"}` },
    { method: 'POST', target: `/api/v1/wallet/transfer`, body: `{"memo": "${MARKER}"` },
    { method: 'POST', target: `/api/v1/wallet/transfer`, body: MARKER.repeat(5000) },
    { target: `/api/v1/wallet%2f${MARKER}` },
  ];
  for (const wish of wishes) await send(edge.restUrl, { ...wish, headers });
  await callGrpc(edge.grpcAddress, `/wallet.v1.WalletService/${MARKER}`, { 'x-user-id': MARKER });
  await until('their lines', () => lines().length >= before + wishes.length + 1);
  const text = readFileSync(edge.accessLog, 'utf8');
  assert.deepEqual(
    text.split('\n').filter((line) => line.includes(MARKER)),
    [],
  );
  const refused = lines().slice(before);
  assert.ok(refused.every((line) => line['event.outcome'] === 'failure'));
  assert.ok(refused.every((line) => String(line['ppuri.edge.response_details']).length > 0));
});

/** Sends bytes over a connection of its own, and waits until it is closed. */
function sendBytes(url: string, bytes: Buffer): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    socket.on('data', () => {});
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

test('what is no request, or has bytes that are no text, is a line of its own', { skip }, async () => {
  const agent = (bytes: string) =>
    Buffer.from(
      `GET /api/v1/users/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nuser-agent: ${bytes}\r\n\r\n`,
      'latin1',
    );
  const strange = [
    agent('"quotes" \\ back \xc3\x28 \xff\xfe \xe2\x80\xa8 \xed\xa0\x80'),
    agent('x'.repeat(10_000)),
    agent('x'.repeat(64 * 1024)),
    agent('line\x0bend'),
    Buffer.from('garbage\r\n\r\n'),
    Buffer.from('GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n', 'latin1'),
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(64, 'g')]),
  ];
  const before = lines().length;
  for (const [index, bytes] of strange.entries()) {
    const known = new Set(lines().map((line) => line['ppuri.edge.connection_id']));
    await sendBytes(edge.restUrl, bytes);
    await until(`a line of ${index}`, () =>
      lines().some((line) => !known.has(line['ppuri.edge.connection_id'])),
    );
  }
  const found = lines().slice(before);
  assert.equal(new Set(lines().map((line) => line['event.id'])).size, lines().length);
  assert.ok(
    found.every((line) => JSON.stringify(line).length < 2000),
    'a long header is cut',
  );
});

test('a handshake that fails is a line', { skip }, async () => {
  const certificate = makeAuthority(stack.logDir, 'edge-log').issue('edge.test');
  const encrypted = await startTestEdge(`${stack.logDir}/encrypted`, [stack.app.grpcPort], {
    settings: { tls: certificate },
  });
  await sendBytes(encrypted.restUrl, Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
  const [line = {}] = await until('a line', () => {
    const found = linesIn(encrypted);
    return found.length > 0 && found;
  });
  await encrypted.stop();
  assert.deepEqual([line.message, line['event.outcome']], ['connection failed', 'failure']);
  assert.match(String(line['event.reason']), /TLS/);
});

test('it is for its owner alone, and goes on in a new file when it was rotated', { skip }, async () => {
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  assert.deepEqual([modeOf(edge.accessLog), modeOf(dirname(edge.accessLog))], ['600', '700']);
  await send(edge.restUrl, { target: '/before' });
  await until('a line', () => lines().some((line) => line['url.path'] === '/before'));
  renameSync(edge.accessLog, `${edge.accessLog}.1`);
  await new Promise<void>((resolve, reject) => {
    const reopen = { socketPath: edge.adminSocket, path: '/reopen_logs', method: 'POST' };
    request(reopen, (answer) => answer.resume().on('end', resolve))
      .on('error', reject)
      .end();
  });
  await send(edge.restUrl, { target: '/after' });
  await until('a line in the new file', () => lines().some((line) => line['url.path'] === '/after'));
  assert.equal(modeOf(edge.accessLog), '600');
});
