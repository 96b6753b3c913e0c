// A large body is read only once a server has seen that its headers are signed: strangers are refused before they send it.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { withKey } from '../api.ts';
import { withoutEdge as skip } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { type Came, send } from './wire.ts';

const [ANNA, BO] = [9881, 9882];
const BATCH = '/api/v2/transfers:batchCreate';
let stack: Stack;
let forger: SigningKey;

before(async () => {
  if (skip) return;
  stack = await startStack({ edge: true });
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1000);
  forger = { ...stack.key, secret: Buffer.alloc(32, 1) } as SigningKey;
});
after(() => stack?.stop());

/** Says that a megabyte comes, and never sends it; what is answered within this time all the same. */
function announce(key: SigningKey, withinMs: number): Promise<Pick<Came, 'status' | 'text'>> {
  const { hostname, port } = new URL(stack.restUrl);
  const identity = withKey(ANNA);
  const signed = signedHeaders({ method: 'POST', target: BATCH, body: Buffer.from('{}') }, identity, key);
  const headers = { ...signed, 'content-type': 'application/json', 'content-length': '1000000' };
  return new Promise((resolve, reject) => {
    const options = { hostname, port, method: 'POST', path: BATCH, headers, agent: false };
    const outgoing = request({ ...options, timeout: withinMs }, async (answer) => {
      let text = '';
      for await (const chunk of answer) text += chunk;
      outgoing.destroy();
      resolve({ status: answer.statusCode ?? 0, text });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer before the body')));
    outgoing.on('error', reject);
    outgoing.flushHeaders();
  });
}

/** A batch of as many transfers of 1 won, sent with these bytes behind it. */
async function pay(count: number, key: SigningKey, padding = 0): Promise<Came> {
  const { rows } = await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [ANNA]);
  const item = {
    debit_wallet_id: rows[0].id,
    credit_user_id: BO,
    amount: { currency_code: 'KRW', minor_units: 1 },
  };
  const text = JSON.stringify({ mode: 'BATCH_MODE_EACH', items: Array(count).fill(item) });
  const body = Buffer.from(text.padEnd(padding));
  const identity = withKey(ANNA);
  const signed = signedHeaders({ method: 'POST', target: BATCH, body }, identity, key);
  const headers = { ...signed, 'content-type': 'application/json' };
  return send(stack.restUrl, { method: 'POST', target: BATCH, headers, body });
}

test('an unauthenticated client that announces a large body is refused before sending it', {
  skip,
}, async () => {
  const { status, text } = await announce(forger, 30_000);
  assert.equal(status, 401);
  // The same as everybody else is told whose signature is wrong.
  assert.deepEqual(JSON.parse(text), JSON.parse((await pay(1, forger)).text));
  await assert.rejects(announce(stack.key, 3_000), /no answer before the body/);
});

test('a large body is taken whose headers are signed, and held to its digest', { skip }, async () => {
  const came = await pay(3, stack.key, 20_000);
  assert.equal(came.status, 200, came.text);
  const other = await pay(3, forger, 20_000);
  assert.deepEqual([other.status, other.reason], [401, 'AUTHENTICATION_FAILED']);
});

test('clients cannot call the signature check of the edge', { skip }, async () => {
  const came = await send(stack.restUrl, { target: `/check-headers${BATCH}` });
  assert.deepEqual([came.status, came.reason], [404, 'ROUTE_NOT_FOUND']);
});
