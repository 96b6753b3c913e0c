// Bodies and queries that only REST lets a caller write: the edge itself refuses them, in the one shape of errors.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { requestRest } from '../../clients/typescript/src/rest.ts';
import { withKey } from '../api.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 8401;
let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  await stack.addUsers([ANNA]);
});
after(() => stack.stop());

const me = () => withKey(ANNA);

interface RestError {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly metadata?: { readonly code: string } }[];
}

/** Makes a call that must be refused with 400 and ERR001; all that its answer says. */
async function refused(method: string, path: string, body?: string): Promise<string> {
  const answer = await requestRest(`${stack.restUrl}${path}`, method, body, me(), stack.key);
  const error = answer.body as RestError;
  assert.deepEqual([answer.status, error.code], [400, 3]);
  assert.equal(error.details.filter(({ metadata }) => metadata?.code === 'ERR001').length, 1);
  return JSON.stringify(error);
}

async function transferCount(): Promise<number> {
  const { rows } = await stack.db.query('SELECT count(*)::int AS count FROM transfers');
  return rows[0].count;
}

const BODIES: readonly { readonly name: string; readonly body: string; readonly says: RegExp }[] = [
  { name: 'not JSON', body: '{"amount":', says: /./ },
  { name: 'a fraction', body: '{"amount": 1.5}', says: /amount/ },
  { name: 'NaN', body: '{"amount": NaN}', says: /./ },
  { name: 'text for a number', body: '{"amount": "ten"}', says: /amount/ },
  { name: 'beyond 64 bits', body: '{"amount": 18446744073709551616}', says: /amount/ },
  { name: 'far beyond', body: '{"amount": 1e40}', says: /amount/ },
  { name: 'true for a number', body: '{"amount": true}', says: /amount/ },
  { name: 'a misspelt field', body: '{"amuont": 5}', says: /amuont/ },
];

for (const { name, body, says } of BODIES) {
  test(`over REST: ${name} is refused in the one shape of errors`, { skip: withoutEdge }, async () => {
    assert.match(await refused('POST', '/api/v1/wallet/charge', body), says);
    assert.equal(await transferCount(), 0);
  });
}

test('over REST: an unknown query parameter is refused and named', { skip: withoutEdge }, async () => {
  assert.match(await refused('GET', '/api/v1/wallet/transactions?page_sise=3'), /page_sise/);
});
