// Other ways to write a path: each is refused, or is the same call with a signature over the path that the server is told.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RestRoute, RPCS, restRouteOf } from '../../clients/typescript/src/contracts.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { anotherKey, callGrpc, FRESH_KEYS, type Sent, send, sentOn } from './wire.ts';

const USER = '8601';
const skip = withoutEdge;
let stack: Stack;
let edge: Envoy;
/** Signs what must be refused: wrong signatures are capped for each key, and the stack's own one has to go on. */
let spare: SigningKey;
before(async () => {
  if (skip) return;
  stack = await startStack(FRESH_KEYS);
  await stack.addUsers([Number(USER)]);
  spare = await anotherKey(stack);
  edge = await startTestEdge(stack.logDir, [stack.app.grpcPort]);
});
after(async () => {
  await edge?.stop();
  await stack?.stop();
});

/** What comes of a path that is written otherwise: an answer of the edge, or the same call as with the plain one. */
type Outcome = 'same' | 'AUTHENTICATION_FAILED' | 'ROUTE_NOT_FOUND' | 'MALFORMED_REQUEST';

interface Variant {
  readonly name: string;
  readonly write: (path: string) => string;
  /** With a signature over the path as it is written. */
  readonly signedAsWritten: Outcome;
  /** With a signature over the plain path. */
  readonly signedPlain: Outcome;
}

/** The edge resolves these before it tells the server the path, so only the plain path can be signed. */
const resolved = { signedAsWritten: 'AUTHENTICATION_FAILED', signedPlain: 'same' } as const;
const unknown = { signedAsWritten: 'ROUTE_NOT_FOUND', signedPlain: 'ROUTE_NOT_FOUND' } as const;
const malformed = { signedAsWritten: 'MALFORMED_REQUEST', signedPlain: 'MALFORMED_REQUEST' } as const;

const afterApi = (text: string) => (path: string) => path.replace('/api/', `/api/${text}`);
const VARIANTS: readonly Variant[] = [
  { name: 'a slash at the end', write: (path) => `${path}/`, ...unknown },
  { name: 'a dot segment', write: afterApi('./'), ...resolved },
  { name: 'a way out and back', write: afterApi('x/../'), ...resolved },
  { name: 'more ways out than in', write: (path) => `/../..${path}`, ...resolved },
  { name: 'an encoded dot segment', write: afterApi('x/%2e%2E/'), ...resolved },
  { name: 'an encoded letter', write: (path) => path.replace('/api/', '/%61pi/'), ...resolved },
  { name: 'a backslash', write: (path) => path.replace('/api/', '/api\\'), ...resolved },
  { name: 'a doubled slash', write: (path) => path.replace('/api/', '/api//'), ...unknown },
  { name: 'a doubled slash in front', write: (path) => `/${path}`, ...unknown },
  { name: 'other case', write: (path) => path.replace('/api/', '/API/'), ...unknown },
  { name: 'an encoded slash', write: (path) => path.replace('/api/', '/api%2f'), ...malformed },
  { name: 'an encoded slash in upper case', write: (path) => path.replace('/api/', '/api%2F'), ...malformed },
  { name: 'an encoded backslash', write: (path) => path.replace('/api/', '/api%5c'), ...malformed },
  { name: 'an encoded zero', write: (path) => `${path}%00`, ...malformed },
  { name: 'a fragment', write: (path) => `${path}#x`, ...malformed },
];

/** Every REST route, but for StreamEvents: it is of nothing that could be missing, so it is answered and does not end. */
const ROUTES = [...RPCS.values()]
  .filter(({ name }) => name !== 'StreamEvents')
  .flatMap((rpc) => restRouteOf(rpc) ?? []);

/** A path of a route, with values in the places of its fields; new ones each time, as guessing at tokens is capped. */
function pathOf(route: RestRoute): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_field, name: string) => {
    if (name.endsWith('user_id')) return USER;
    return name === 'token' ? 'aB3' : crypto.randomUUID();
  });
}

/** A request to a target, with a signature over that target or another, or none. */
function written(route: RestRoute, target: string, signed?: string, key?: SigningKey): Sent {
  const { method, hasBody } = route;
  const body = hasBody ? '{}' : '';
  const identity = { userId: USER, roomId: crypto.randomUUID(), idempotencyKey: crypto.randomUUID() };
  const outgoing = { method, target: signed ?? target, body: Buffer.from(body) };
  return { method, target, headers: signedHeaders(outgoing, identity, key), ...(hasBody && { body }) };
}

for (const { name, write, signedAsWritten, signedPlain } of VARIANTS) {
  test(`${name} in each path`, { skip }, async () => {
    for (const route of ROUTES) {
      await meets(route, write, signedAsWritten, write);
      await meets(route, write, signedPlain, (path) => path);
      const { status } = await send(edge.restUrl, written(route, write(pathOf(route))));
      assert.ok([400, 401, 404].includes(status), `${route.path}: ${status}`);
    }
  });
}

/** Sends a path that is written otherwise, with a signature over what `sign` makes of it. */
async function meets(
  route: RestRoute,
  write: Variant['write'],
  outcome: Outcome,
  sign: Variant['write'],
): Promise<void> {
  const path = pathOf(route);
  const target = write(path);
  const about = `${route.method} ${target}`;
  const key = outcome === 'same' ? stack.key : spare;
  const came = await send(edge.restUrl, written(route, target, sign(path), key));
  if (outcome !== 'same') {
    assert.equal(came.reason, outcome, about);
    return;
  }
  const other = pathOf(route);
  const plain = await send(edge.restUrl, written(route, other, other, stack.key));
  assert.ok(!['AUTHENTICATION_FAILED', 'TOO_MANY_FAILURES', 'ROUTE_NOT_FOUND'].includes(plain.reason), about);
  assert.deepEqual([came.status, came.reason], [plain.status, plain.reason], about);
}

test('an encoded slash in the path is named as the fault', { skip }, async () => {
  const { text } = await send(edge.restUrl, { target: '/api/v1/wallet%2fbalance' });
  assert.match(text, /encoded slash/);
});

const grpcWeb = { 'content-type': 'application/grpc-web+proto' };
const json = { 'content-type': 'application/json' };
const BALANCE = '/wallet.v1.WalletService/GetBalance';
const CHARGE = '/api/v1/wallet/charge';

/** What is not there, on the REST listener, and how it is refused. */
const NOT_OVER_REST: readonly (Sent & { readonly reason: string })[] = [
  { target: '/', reason: 'ROUTE_NOT_FOUND' },
  { target: '/api/v1/nothing', reason: 'ROUTE_NOT_FOUND' },
  { target: '/api/v3/wallets', reason: 'ROUTE_NOT_FOUND' },
  { target: BALANCE, method: 'POST', headers: json, reason: 'ROUTE_NOT_FOUND' },
  { target: '/admin.v1.ApiKeyService/ListApiKeys', method: 'POST', headers: json, reason: 'ROUTE_NOT_FOUND' },
  { target: '/api/v1/../../admin.v1.ApiKeyService/ListApiKeys', method: 'POST', reason: 'ROUTE_NOT_FOUND' },
  { target: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', reason: 'ROUTE_NOT_FOUND' },
  { target: '/grpc.health.v1.Health/Check', method: 'POST', headers: json, reason: 'ROUTE_NOT_FOUND' },
  ...['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'GET'].map((method) => ({
    target: CHARGE,
    method,
    reason: 'ROUTE_NOT_FOUND',
  })),
  { target: CHARGE, method: 'POST', headers: grpcWeb, body: '{}', reason: 'UNSUPPORTED_CONTENT_TYPE' },
  { target: `${CHARGE}?x=1`, method: 'POST', headers: json, body: '{}', reason: 'INVALID_FIELD' },
  { target: CHARGE, headers: { 'x-large': 'a'.repeat(20_000) }, reason: 'HEADERS_TOO_LARGE' },
  { target: CHARGE, headers: { 'x-many': Array(80).fill('a') }, reason: 'HEADERS_TOO_LARGE' },
  { target: CHARGE, headers: { x_user_id: '1' }, reason: 'MALFORMED_REQUEST' },
  {
    target: CHARGE,
    method: 'POST',
    headers: json,
    body: `{"amount": 1${' '.repeat(2_000_000)}}`,
    reason: 'REQUEST_TOO_LARGE',
  },
  { target: CHARGE, headers: { connection: 'upgrade', upgrade: 'websocket' }, reason: 'MALFORMED_REQUEST' },
];

/** What is not there on the gRPC listener, for callers of gRPC-Web and of nothing known. */
const NOT_OVER_GRPC: readonly (Sent & { readonly reason: string })[] = [
  { target: CHARGE, method: 'POST', headers: json, body: '{}', reason: 'METHOD_NOT_FOUND' },
  { target: BALANCE, method: 'POST', headers: json, body: '{}', reason: 'UNSUPPORTED_CONTENT_TYPE' },
  { target: BALANCE, method: 'POST', reason: 'UNSUPPORTED_CONTENT_TYPE' },
  { target: BALANCE, reason: 'UNSUPPORTED_CONTENT_TYPE' },
  {
    target: BALANCE,
    method: 'OPTIONS',
    headers: { origin: 'https://elsewhere.test', 'access-control-request-method': 'POST' },
    reason: 'UNSUPPORTED_CONTENT_TYPE',
  },
];

test('paths that the edge does not offer never reach a server', { skip }, async () => {
  const before = await sentOn(edge.adminUrl);
  for (const { reason, ...sent } of NOT_OVER_REST) {
    assert.equal((await send(edge.restUrl, sent)).reason, reason, `${sent.method} ${sent.target}`);
  }
  for (const { reason, ...sent } of NOT_OVER_GRPC) {
    const came = await send(`http://${edge.grpcAddress}`, sent);
    assert.equal(came.reason, reason, `${sent.method} ${sent.target}`);
  }
  for (const path of [
    '/admin.v1.ApiKeyService/ListApiKeys',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    '/wallet.v1.WalletService/../../admin.v1.ApiKeyService/ListApiKeys',
    '/wallet.v1.WalletService/%2e%2e/%2E%2E/admin.v1.ApiKeyService/ListApiKeys',
    `/${BALANCE}`,
    `${BALANCE}/`,
    BALANCE.replace('wallet', 'Wallet'),
    '/api/v1/wallet/balance',
  ]) {
    const error = await callGrpc(edge.grpcAddress, path, {});
    assert.deepEqual([error?.code, error?.reason], ['ERR005', 'METHOD_NOT_FOUND'], path);
  }
  const grpcOverRest = await callGrpc(new URL(edge.restUrl).host, BALANCE, {});
  assert.equal(grpcOverRest?.reason, 'UNSUPPORTED_CONTENT_TYPE');
  assert.equal(await sentOn(edge.adminUrl), before);
  // The count counts.
  await callGrpc(edge.grpcAddress, BALANCE, {});
  assert.equal(await sentOn(edge.adminUrl), before + 1);
});
