// What strangers send makes no new series, neither of the server nor of the edge: 1,000 bad inputs, each another one.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, test } from 'node:test';
import { hmacKey, signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const INPUTS = 1_000;
const AT_ONCE = 25;
let stack: Stack;
let edge: Envoy;
before(async () => {
  if (withoutEdge) return;
  stack = await startStack();
  edge = await startTestEdge(stack.logDir, [stack.app.grpcPort]);
});
after(async () => {
  await edge?.stop();
  await stack?.stop();
});

/** A request that is wrong in one way, told apart from others of its kind by a number. */
interface BadInput {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const BALANCE = '/api/v1/wallet/balance';
const TRANSFER = '/api/v2/transfers';
/** An id that looks like one of our keys. */
const keyId = (n: number) => `ppk_live_${n.toString(16).padStart(30, '0')}`;
const signed = (n: number, method: string, target: string) =>
  signedHeaders({ method, target, body: Buffer.alloc(0) }, { userId: String(n + 1) }, hmacKey(keyId(n), 'x'));

const OVER_REST: readonly ((n: number) => BadInput)[] = [
  (n) => ({ path: `/odd-${n}/${'x'.repeat(n % 50)}` }),
  (n) => ({ path: `/api/v2/odd-${n}` }),
  (n) => ({ path: `${BALANCE}?odd_${n}=${n}` }),
  (n) => ({ path: `/api/v2/wallets/odd-${n}` }),
  (n) => ({ method: `ODD${n}` }),
  (n) => ({ headers: { 'user-agent': `odd/${n}` } }),
  (n) => ({ headers: { host: `odd-${n}.test` } }),
  (n) => ({ headers: { [`x-odd-${n}`]: 'x', 'x-request-id': `odd-${n}`, 'x-user-id': `odd-${n}` } }),
  (n) => ({
    method: 'POST',
    path: TRANSFER,
    headers: { 'content-type': `application/x-odd-${n}` },
    body: '{}',
  }),
  (n) => ({ method: 'POST', path: TRANSFER, body: `{"odd_${n}": ${n}}` }),
  (n) => ({ method: 'POST', path: TRANSFER, headers: { 'idempotency-key': `odd-${n}` }, body: `odd ${n}` }),
  (n) => ({ headers: { ...signed(n, 'GET', BALANCE) } }),
  (n) => ({ headers: { signature: `odd-${n}`, 'signature-input': `odd-${n}` } }),
];
const OVER_GRPC: readonly ((n: number) => BadInput)[] = [
  (n) => ({ path: `/odd-${n}.Service/Method` }),
  (n) => ({ path: `/wallet.v1.WalletService/Odd${n}` }),
  (n) => ({ headers: { 'user-agent': `odd/${n}` } }),
  (n) => ({ headers: { 'content-type': `application/grpc+odd-${n}` } }),
  (n) => ({ headers: { 'grpc-encoding': `odd-${n}` } }),
  (n) => ({ headers: { 'grpc-timeout': `${n}S`, 'x-user-id': `odd-${n}` } }),
  (n) => ({ headers: { ...signed(n, 'POST', '/wallet.v1.WalletService/GetBalance') } }),
  (n) => ({ headers: { signature: `odd-${n}`, 'signature-input': `odd-${n}` } }),
];

/** Sends one over HTTP/1.1; whatever comes back, or nothing, will do. */
function sendRest({ method = 'GET', path = BALANCE, headers = {}, body }: BadInput): Promise<void> {
  return new Promise((done) => {
    const call = httpRequest(new URL(path, edge.restUrl), {
      method,
      headers: { 'content-type': 'application/json', ...headers },
    });
    call.once('response', (response) => response.resume().once('close', done));
    call.once('error', () => done());
    call.end(body);
  });
}

/** Sends one as gRPC over an HTTP/2 connection of its own. */
function sendGrpc(
  url: string,
  { path = '/wallet.v1.WalletService/GetBalance', headers = {} }: BadInput,
): Promise<void> {
  return new Promise((done) => {
    const session = connectHttp2(url);
    const end = () => {
      session.destroy();
      done();
    };
    session.once('error', end);
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.once('error', end);
    stream.once('close', end);
    stream.resume();
    stream.end(Buffer.alloc(5));
  });
}

/** Sends the n-th of each kind over each way, `from` to `to`. */
async function sendAll(from: number, to: number): Promise<number> {
  const server = `http://${stack.grpcAddress}`;
  const sends = Array.from({ length: to - from }, (_, index) => from + index).flatMap((n) => [
    ...OVER_REST.map((kind) => () => sendRest(kind(n))),
    ...OVER_GRPC.map((kind) => () => sendGrpc(server, kind(n))),
    ...OVER_GRPC.map((kind) => () => sendGrpc(`http://${edge.grpcAddress}`, kind(n))),
  ]);
  for (let index = 0; index < sends.length; index += AT_ONCE)
    await Promise.all(sends.slice(index, index + AT_ONCE).map((send) => send()));
  return sends.length;
}

/** The series of a page, without Node's about what it has open and collects, which follow its work and nobody's input. */
async function seriesOf(url: string): Promise<string[]> {
  const text = await (await fetch(url)).text();
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !/^nodejs_(active|gc)_/.test(line))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
    .sort();
}

test('1,000 bad inputs make no new series, and none of them is named', { skip: withoutEdge }, async () => {
  const pages = [`http://127.0.0.1:${stack.app.opsPort}/metrics`, `${edge.adminUrl}/stats/prometheus`];
  await sendAll(0, 3);
  // It is there once Postgres has told its time for the first time.
  await until('the skew of the clocks', async () =>
    (await seriesOf(pages[0] ?? '')).includes('ppuri_clock_skew_seconds'),
  );
  const before = await Promise.all(pages.map(seriesOf));
  const kinds = OVER_REST.length + 2 * OVER_GRPC.length;
  assert.ok((await sendAll(10, 10 + Math.ceil(INPUTS / kinds))) >= INPUTS);
  const series = await Promise.all(pages.map(seriesOf));
  for (const [index, url] of pages.entries()) {
    const [was = [], is = []] = [before[index], series[index]];
    assert.deepEqual(
      is.filter((one) => !was.includes(one)),
      [],
      url,
    );
    assert.equal(is.length, was.length, url);
    assert.deepEqual(
      is.filter((one) => /odd|ppk_live/i.test(one)),
      [],
    );
  }
});
