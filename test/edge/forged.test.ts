// Forged headers: what only the edge may say is nothing in the mouth of a client, through the edge and straight at the server.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { EdgeSettings } from '../../envoy/render.ts';
import { renderEdge } from '../../envoy/render.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { anotherKey, callGrpc, FRESH_KEYS, send } from './wire.ts';

const USER = '8701';
const ELSEWHERE = '203.0.113.7';
const BALANCE = '/api/v1/wallet/balance';
const CHARGE = '/api/v1/wallet/charge';
const BALANCE_RPC = '/wallet.v1.WalletService/GetBalance';
const CHARGE_RPC = '/wallet.v1.WalletService/Charge';
/** A wallet.v1.ChargeRequest with an amount of 7. */
const SEVEN = Buffer.from([8, 7]);

let stack: Stack;
let edge: Envoy;
/** An edge that counts this machine as its own network, whose x-envoy- headers Envoy trusts by default. */
let trusting: Envoy;
/** Another such, which does not take away from clients what only the edge may say. */
let naive: Envoy;
/** An edge behind one proxy of ours. */
let behind: Envoy;
/** Signs what must be refused: wrong signatures are capped for each key, and the stack's own one has to go on. */
let spare: SigningKey;
let fromElsewhere: SigningKey;
let fromHere: SigningKey;
before(async () => {
  stack = await startStack(FRESH_KEYS);
  await stack.addUsers([Number(USER)]);
  fromElsewhere = await anotherKey(stack, { allowedNetworks: [`${ELSEWHERE}/32`] });
  fromHere = await anotherKey(stack, { allowedNetworks: ['127.0.0.0/8'] });
  spare = await anotherKey(stack);
  if (withoutEdge) return;
  const ports = [stack.app.grpcPort];
  edge = await startTestEdge(`${stack.logDir}/edge`, ports);
  trusting = await startTestEdge(`${stack.logDir}/trusting`, ports, { render: withOwnNetwork });
  naive = await startTestEdge(`${stack.logDir}/naive`, ports, { render: withoutStripping });
  behind = await startTestEdge(`${stack.logDir}/behind`, ports, { settings: { trustedHops: 1 } });
});
after(async () => {
  for (const each of [edge, trusting, naive, behind]) await each?.stop();
  await stack.stop();
});

function withOwnNetwork(settings: EdgeSettings): string {
  const own = 'internal_address_config: { cidr_ranges: [{ address_prefix: 127.0.0.0, prefix_len: 8 }] }';
  return renderEdge(settings).replaceAll(/^( +)use_remote_address: true$/gm, `$&\n$1${own}`);
}

function withoutStripping(settings: EdgeSettings): string {
  const lines = withOwnNetwork(settings).split('\n');
  const isStrip = (line: string) => /^\s+- remove(_on_match)?: .*x-(edge-secret|envoy-|amz-)/.test(line);
  assert.equal(lines.filter(isStrip).length, 3);
  return lines.filter((line) => !isStrip(line)).join('\n');
}

const sign = (method: string, target: string, body: Buffer | string, key: SigningKey | undefined) =>
  signedHeaders(
    { method, target, body: Buffer.from(body) },
    { userId: USER, idempotencyKey: crypto.randomUUID() },
    key,
  );

/** What the edge would say had it received a GET of the balance. */
const statement = {
  'x-envoy-original-method': 'GET',
  'x-envoy-original-path': BALANCE,
  'x-amz-content-sha256': createHash('sha256').digest('hex'),
};

/** Headers that say where a call comes from. */
const addresses = (address: string) => ({
  'x-client-ip': address,
  'x-forwarded-for': address,
  'x-real-ip': address,
  'x-envoy-external-address': address,
  forwarded: `for=${address}`,
});

/** Each forgery, for a call that is not signed, or signed for something else. */
const FORGERIES: readonly { readonly name: string; readonly headers: Record<string, string | string[]> }[] = [
  { name: 'x-edge-secret', headers: { 'x-edge-secret': 'guessed' } },
  { name: 'x-edge-secret twice', headers: { 'x-edge-secret': ['guessed', 'again'] } },
  { name: 'x-envoy-original-path', headers: { 'x-envoy-original-path': BALANCE } },
  { name: 'x-envoy-original-method', headers: { 'x-envoy-original-method': 'GET' } },
  { name: 'x-amz-content-sha256', headers: { 'x-amz-content-sha256': statement['x-amz-content-sha256'] } },
  { name: 'a whole statement of the edge', headers: statement },
  { name: 'a whole statement with a secret', headers: { ...statement, 'x-edge-secret': 'guessed' } },
  { name: 'addresses', headers: addresses('127.0.0.1') },
  { name: 'x-request-id', headers: { 'x-request-id': crypto.randomUUID() } },
  { name: 'hop-by-hop names', headers: { connection: 'x-edge-secret, x-client-ip, x-amz-content-sha256' } },
];

/** The headers of a forgery as gRPC may carry them: HTTP/2 has no connection header. */
const overHttp2 = ({ connection: _, ...headers }: Record<string, string | string[]>) => headers;

async function transferCount(): Promise<number> {
  const { rows } = await stack.db.query('SELECT count(*)::int AS count FROM transfers');
  return rows[0].count;
}

for (const { name, headers } of FORGERIES) {
  test(`${name}, straight at the server: without effect`, async () => {
    // Both are correctly signed, as something else: the balance over REST, and the balance over gRPC.
    const asRest = { ...sign('GET', BALANCE, '', spare), ...overHttp2(headers) };
    const asRpc = { ...sign('POST', BALANCE_RPC, '', spare), ...overHttp2(headers) };
    const unsigned = { ...sign('POST', CHARGE_RPC, SEVEN, undefined), ...overHttp2(headers) };
    for (const carried of [asRest, asRpc, unsigned]) {
      const error = await callGrpc(stack.grpcAddress, CHARGE_RPC, carried, SEVEN);
      assert.deepEqual([error?.code, error?.reason], ['ERR002', 'AUTHENTICATION_FAILED']);
    }
    assert.equal(await transferCount(), 0);
  });

  test(`${name}, through the gRPC listener: without effect`, { skip: withoutEdge }, async () => {
    const asRest = { ...sign('GET', BALANCE, '', spare), ...overHttp2(headers) };
    const unsigned = { ...sign('POST', CHARGE_RPC, SEVEN, undefined), ...overHttp2(headers) };
    for (const carried of [asRest, unsigned]) {
      const error = await callGrpc(edge.grpcAddress, CHARGE_RPC, carried, SEVEN);
      assert.deepEqual([error?.code, error?.reason], ['ERR002', 'AUTHENTICATION_FAILED']);
    }
    assert.equal(await transferCount(), 0);
  });

  test(`${name}, through the REST listener: without effect`, { skip: withoutEdge }, async () => {
    const body = '{"amount": 7}';
    const asBalance = { ...sign('GET', BALANCE, '', spare), ...headers };
    const otherBody = { ...sign('POST', CHARGE, '', spare), ...headers };
    const unsigned = { ...sign('POST', CHARGE, body, undefined), ...headers };
    for (const carried of [asBalance, otherBody, unsigned]) {
      const came = await send(edge.restUrl, { method: 'POST', target: CHARGE, headers: carried, body });
      assert.deepEqual([came.status, came.reason], [401, 'AUTHENTICATION_FAILED']);
    }
    assert.equal(await transferCount(), 0);
    // A correctly signed call passes whatever other headers it has.
    const right = { ...sign('GET', BALANCE, '', stack.key), ...headers };
    assert.equal((await send(edge.restUrl, { target: BALANCE, headers: right })).status, 200);
  });
}

test('the server sees the true address of the client, straight at it', async () => {
  const call = (key: SigningKey, headers: Record<string, string>) =>
    callGrpc(stack.grpcAddress, BALANCE_RPC, { ...sign('POST', BALANCE_RPC, '', key), ...headers });
  assert.equal((await call(fromElsewhere, addresses(ELSEWHERE)))?.reason, 'AUTHENTICATION_FAILED');
  const withSecret = { ...addresses(ELSEWHERE), 'x-edge-secret': 'guessed' };
  assert.equal((await call(fromElsewhere, withSecret))?.reason, 'AUTHENTICATION_FAILED');
  assert.equal(await call(fromHere, addresses(ELSEWHERE)), undefined);
});

test('the server sees the true address of the client, through the edge', {
  skip: withoutEdge,
}, async () => {
  const overRest = async (key: SigningKey, headers: Record<string, string>) => {
    const signed = sign('GET', BALANCE, '', key);
    return (await send(edge.restUrl, { target: BALANCE, headers: { ...signed, ...headers } })).status;
  };
  const overGrpc = (key: SigningKey, headers: Record<string, string>) =>
    callGrpc(edge.grpcAddress, BALANCE_RPC, { ...sign('POST', BALANCE_RPC, '', key), ...headers });
  assert.equal(await overRest(fromElsewhere, addresses(ELSEWHERE)), 401);
  assert.equal(await overRest(fromHere, addresses(ELSEWHERE)), 200);
  assert.equal((await overGrpc(fromElsewhere, addresses(ELSEWHERE)))?.reason, 'AUTHENTICATION_FAILED');
  assert.equal(await overGrpc(fromHere, addresses(ELSEWHERE)), undefined);
});

test('behind a trusted proxy, only the address that it adds to x-forwarded-for counts', {
  skip: withoutEdge,
}, async () => {
  const from = async (forwardedFor: string) => {
    const headers = { ...sign('GET', BALANCE, '', fromElsewhere), 'x-forwarded-for': forwardedFor };
    return (await send(behind.restUrl, { target: BALANCE, headers })).status;
  };
  assert.equal(await from(ELSEWHERE), 200);
  assert.equal(await from(`198.51.100.1, ${ELSEWHERE}`), 200);
  assert.equal(await from(`${ELSEWHERE}, 198.51.100.1`), 401);
});

test('a request id of the client does not make a replay pass as a retry of the edge', async () => {
  const id = { 'x-request-id': crypto.randomUUID() };
  const direct = { ...sign('POST', BALANCE_RPC, '', stack.key), ...id };
  assert.equal(await callGrpc(stack.grpcAddress, BALANCE_RPC, direct), undefined);
  assert.equal((await callGrpc(stack.grpcAddress, BALANCE_RPC, direct))?.reason, 'NONCE_REUSED');
  if (withoutEdge) return;
  const headers = { ...sign('GET', BALANCE, '', stack.key), ...id };
  assert.equal((await send(edge.restUrl, { target: BALANCE, headers })).status, 200);
  assert.equal((await send(edge.restUrl, { target: BALANCE, headers })).reason, 'NONCE_REUSED');
});

test('negative control: through an edge that strips nothing, a signed read of the balance becomes a charge', {
  skip: withoutEdge,
}, async () => {
  const before = await transferCount();
  const forged = { ...sign('GET', BALANCE, '', spare), ...statement };
  assert.equal(
    (await callGrpc(trusting.grpcAddress, CHARGE_RPC, forged, SEVEN))?.reason,
    'AUTHENTICATION_FAILED',
  );
  assert.equal(await transferCount(), before);
  const again = { ...sign('GET', BALANCE, '', stack.key), ...statement };
  assert.equal(await callGrpc(naive.grpcAddress, CHARGE_RPC, again, SEVEN), undefined);
  assert.equal(await transferCount(), before + 1);
});
