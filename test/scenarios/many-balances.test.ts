// As many balances in one call as the contract says, over REST, too; and no other list of a GET is longer than its query may be.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DescField, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { field as fieldOption } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { RPCS, registry } from '../../clients/typescript/src/contracts.ts';
import { requestRest } from '../../clients/typescript/src/rest.ts';
import { contractOptions } from '../../scripts/contracts/openapi/contracts.ts';
import { actingAs } from '../api.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 1001;
const MOST = 1000;
/** The edge takes headers of 16 KiB in all; half of that is left for the signature and what else a call carries. */
const LONGEST_QUERY = 8192;
const PATH = '/api/v2/wallets:batchGetBalances';
const options = contractOptions([...registry.files]);

let stack: Stack;
let ids: string[];
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  await stack.addUsers([ANNA]);
  // More than a user may open by itself.
  const { rows } = await stack.db.query(
    `INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, created_at, updated_at)
     SELECT gen_random_uuid(), 'wallet', 'EUR', $1, false, now(), now() FROM generate_series(1, $2) RETURNING id`,
    [ANNA, MOST],
  );
  ids = rows.map(({ id }) => id);
});
after(() => stack.stop());

const identity = actingAs(ANNA);

test('a thousand balances over gRPC', async () => {
  const answer = await stack.grpc.call(
    'wallet.v2.WalletService/BatchGetBalances',
    { wallet_ids: ids },
    identity,
  );
  assert.deepEqual(
    answer.list('balances').map(({ wallet_id }) => wallet_id),
    ids,
  );
});

test('a thousand balances over REST, in a body', { skip: withoutEdge }, async () => {
  const body = JSON.stringify({ wallet_ids: ids });
  const { status, body: answer } = await requestRest(
    `${stack.restUrl}${PATH}`,
    'POST',
    body,
    identity,
    stack.key,
  );
  assert.equal(status, 200, JSON.stringify(answer));
  assert.equal((answer as { balances: unknown[] }).balances.length, MOST);
});

test('some balances over REST, in the query as before', { skip: withoutEdge }, async () => {
  const query = new URLSearchParams(ids.slice(0, 3).map((id) => ['wallet_ids', id]));
  const url = `${stack.restUrl}${PATH}?${query}`;
  const { status } = await requestRest(url, 'GET', undefined, identity, stack.key);
  assert.equal(status, 200);
});

test('a list that a query cannot carry can be sent in a body', () => {
  const without = [...RPCS.values()].filter((rpc) => {
    const rule = options.httpRule(rpc);
    const bindings = rule ? [rule, ...rule.additionalBindings] : [];
    return (
      bindings.length > 0 && bindings.every(({ body }) => body === '') && longestQuery(rpc) > LONGEST_QUERY
    );
  });
  assert.deepEqual(without.map(String), []);
});

/** The bytes of all lists of a request, each with as many items as its contract takes. */
function longestQuery({ input }: DescMethod): number {
  return input.fields
    .filter(({ fieldKind }) => fieldKind === 'list')
    .reduce((sum, field) => sum + itemsOf(field) * (field.name.length + 2 + longestItem(field)), 0);
}

function itemsOf(field: DescField): number {
  const rules = hasOption(field, fieldOption) ? getOption(field, fieldOption).type : undefined;
  const most = rules?.case === 'repeated' ? rules.value.maxItems : undefined;
  assert.ok(most, `${field.toString()} is a list without an end`);
  return Number(most);
}

function longestItem(field: DescField): number {
  if (field.enum) return Math.max(...field.enum.values.map(({ name }) => name.length));
  // A UUID; numbers are shorter.
  return 36;
}
