// What the edge puts on answers: security headers, words in two languages, deprecation, and what browsers may read.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { renderEdge } from '../../envoy/render.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { REASONS } from '../../src/domain/reasons.ts';
import { NO_SERVER, startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { type Came, callGrpc, type Sent, send } from './wire.ts';

const USER = '8501';
const skip = withoutEdge;
const BALANCE = '/api/v1/wallet/balance';
const BALANCE_RPC = '/wallet.v1.WalletService/GetBalance';

let stack: Stack;
let edge: Envoy;
let leaving: Envoy;
let lonely: Envoy;
before(async () => {
  if (skip) return;
  stack = await startStack();
  await stack.addUsers([Number(USER)]);
  const ports = [stack.app.grpcPort];
  edge = await startTestEdge(`${stack.logDir}/edge`, ports);
  const v1 = { since: '2026-12-31', sunset: '2027-06-30', link: 'https://ppuri.test/v2%20guide' };
  leaving = await startTestEdge(`${stack.logDir}/leaving`, ports, { settings: { deprecations: { v1 } } });
  lonely = await startTestEdge(`${stack.logDir}/lonely`, NO_SERVER);
});
after(async () => {
  for (const each of [edge, leaving, lonely]) await each?.stop();
  await stack?.stop();
});

const signed = (target: string) =>
  signedHeaders({ method: 'GET', target, body: Buffer.alloc(0) }, { userId: USER }, stack.key);
const get = (url: string, target: string) => send(url, { target, headers: signed(target) });

/** Answers of the server, of the edge's filters, and of what comes before any filter. */
const ALL: readonly (Sent & { readonly status: number })[] = [
  { target: BALANCE, status: 401 },
  { target: '/nothing', status: 404 },
  { target: `${BALANCE}?x=1`, status: 400 },
  { target: '/api/v1/wallet%2fbalance', status: 400 },
  { target: BALANCE, headers: { x_user_id: '1' }, status: 400 },
  { target: BALANCE, headers: { 'x-large': 'a'.repeat(20_000) }, status: 431 },
];

function assertGuarded({ headers }: Came): void {
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['strict-transport-security'], undefined);
  const names = Object.keys(headers);
  assert.deepEqual(
    names.filter((name) => /^(server|x-powered-by|x-envoy-.*|grpc-.*)$/.test(name)),
    [],
  );
}

test('every answer over REST has the security headers and reveals nothing internal', {
  skip,
}, async () => {
  const good = await get(edge.restUrl, BALANCE);
  assert.equal(good.status, 200);
  assertGuarded(good);
  for (const { status, ...sent } of ALL) {
    const came = await send(edge.restUrl, sent);
    assert.equal(came.status, status, came.text);
    assertGuarded(came);
    assert.doesNotMatch(came.text, /envoy|upstream|transport|127\.0\.0\.1|cluster/i);
  }
});

test('without a server behind it, the edge says so in the one shape, and when to come again', {
  skip,
}, async () => {
  const came = await get(lonely.restUrl, BALANCE);
  assert.deepEqual([came.status, came.reason, came.headers['retry-after']], [503, 'UNAVAILABLE', '1']);
  assertGuarded(came);
  assert.doesNotMatch(came.text, /envoy|upstream|transport|healthy/i);
  const error = await callGrpc(lonely.grpcAddress, BALANCE_RPC, {});
  assert.deepEqual([error?.code, error?.reason, error?.retryAfterMs], ['ERR009', 'UNAVAILABLE', 1000]);
  assert.equal(error?.message, REASONS.UNAVAILABLE.en);
});

test('the edge speaks the language that is asked for first, as the server does', { skip }, async () => {
  for (const [accept, locale] of [
    ['ko-KR,ko;q=0.9,en-US;q=0.8', 'ko'],
    ['fr, ko', 'ko'],
    ['en-US,en;q=0.9,ko;q=0.8', 'en'],
    ['fr', 'en'],
    ['kok', 'en'],
  ] as const) {
    const { text } = await send(edge.restUrl, { target: '/nothing', headers: { 'accept-language': accept } });
    const { message, details } = JSON.parse(text);
    assert.equal(message, REASONS.ROUTE_NOT_FOUND.en);
    assert.deepEqual([details[1].locale, details[1].message], [locale, REASONS.ROUTE_NOT_FOUND[locale]]);
  }
});

test('a version that is on its way out says so on every answer; off by default', { skip }, async () => {
  for (const target of [BALANCE, '/api/v1/nothing', `${BALANCE}?x=1`]) {
    const { headers } = await get(leaving.restUrl, target);
    assert.equal(headers.deprecation, `@${Date.UTC(2026, 11, 31) / 1000}`, target);
    assert.equal(headers.sunset, 'Wed, 30 Jun 2027 00:00:00 GMT', target);
    assert.equal(headers.link, '<https://ppuri.test/v2%20guide>; rel="deprecation"', target);
  }
  const stays = [await get(leaving.restUrl, '/api/v2/wallets'), await get(edge.restUrl, BALANCE)];
  for (const { headers } of stays) {
    assert.deepEqual([headers.deprecation, headers.sunset, headers.link], [undefined, undefined, undefined]);
  }
});

test('a time that is none is refused before Envoy sees it', () => {
  const places = {
    host: '127.0.0.1',
    restPort: 1,
    grpcPort: 2,
    adminPort: 3,
    adminSocket: '/tmp/admin.sock',
    upstreams: [],
    corsOrigins: [],
  };
  assert.throws(() => renderEdge({ ...places, deprecations: { v1: { since: 'soon' } } }), /soon/);
});

test('pages of known origins may sign calls over gRPC-Web and read how the limits stand', {
  skip,
}, async () => {
  const url = `http://${edge.grpcAddress}`;
  const ask = (origin: string) =>
    send(url, {
      method: 'OPTIONS',
      target: BALANCE_RPC,
      headers: { origin, 'access-control-request-method': 'POST' },
    });
  const { status, headers } = await ask('http://localhost:3000');
  assert.deepEqual([status, headers['access-control-allow-origin']], [200, 'http://localhost:3000']);
  const words = (name: string) => String(headers[name]).split(',');
  for (const name of ['signature', 'signature-input', 'content-digest', 'x-user-id', 'idempotency-key']) {
    assert.ok(words('access-control-allow-headers').includes(name), name);
  }
  for (const name of ['ratelimit', 'ratelimit-policy', 'retry-after', 'grpc-status-details-bin']) {
    assert.ok(words('access-control-expose-headers').includes(name), name);
  }
  const foreign = await ask('https://localhost:3000');
  assert.equal(foreign.headers['access-control-allow-origin'], undefined);
});

test('a call over gRPC-Web is signed over its message, without the frame', { skip }, async () => {
  const nothing = Buffer.alloc(0);
  const outgoing = { method: 'POST', target: BALANCE_RPC, body: nothing };
  const ask = (headers: Record<string, string>) =>
    send(`http://${edge.grpcAddress}`, {
      method: 'POST',
      target: BALANCE_RPC,
      headers: { 'content-type': 'application/grpc-web+proto', ...headers },
      body: Buffer.alloc(5),
    });
  const came = await ask(signedHeaders(outgoing, { userId: USER }, stack.key));
  assert.match(came.text, /grpc-status:0/);
  assert.match(String(came.headers.ratelimit), /"user"/);
  const unsigned = await ask(signedHeaders(outgoing, { userId: USER }, undefined));
  assert.equal(unsigned.headers['grpc-status'], '16');
});

test('gRPC headers of a REST call are not passed on', { skip }, async () => {
  const headers = { ...signed(BALANCE), 'grpc-timeout': 'never', 'grpc-encoding': 'unknown' };
  assert.equal((await send(edge.restUrl, { target: BALANCE, headers })).status, 200);
});
