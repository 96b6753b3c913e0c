// A signed call with anything altered, left out, repeated or invented gets one and the same refusal, and changes nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNonce, type SigningKey, signRequest } from '../../clients/typescript/src/signature.ts';
import { splitTarget } from '../../src/signatures/index.ts';
import { makeKey } from '../keys.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { overGrpc, overRest, type Sent, type Transport } from './send.ts';

const [ANNA, BO] = [9801, 9802];
let stack: Stack;
let others: Record<'revoked' | 'expired' | 'pending' | 'elsewhere' | 'stranger', SigningKey>;
/** Whose calls are altered. */
let victims: readonly SigningKey[];
let untouched: string;

before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA, BO], 1000);
  const database = stack.database;
  const now = Date.now() * 1000;
  others = {
    revoked: await makeKey(database),
    expired: await makeKey(database, { activeFrom: now - 2e9, expiresAt: now - 1e9 }),
    pending: await makeKey(database, { activeFrom: now + 3.6e9 }),
    elsewhere: await makeKey(database, { allowedNetworks: ['192.0.2.0/24', '2001:db8::/32'] }),
    stranger: {
      keyId: 'ppk_live_0123456789abcdef01234567000000',
      kind: 'hmac-sha256',
      secret: Buffer.alloc(32),
    },
  };
  victims = [await makeKey(database), await makeKey(database)];
  await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: others.revoked.keyId });
  untouched = await everything();
});
after(() => stack.stop());

async function everything(): Promise<string> {
  const { rows } = await stack.db.query(`SELECT concat_ws('/', (SELECT count(*) FROM transfers),
    (SELECT count(outcome) FROM idempotency_keys), (SELECT sum(version) FROM accounts)) AS digest`);
  return rows[0].digest;
}

/** A transfer of 5 won, correctly signed; each row of the matrix then changes it. */
function signed(
  transport: Transport,
  key: SigningKey,
  change: { created?: number; amount?: number; user?: number } = {},
): Sent {
  const { method, target, body } = transport.transfer(BO, change.amount ?? 5);
  const headers = { 'x-user-id': String(change.user ?? ANNA), 'idempotency-key': crypto.randomUUID() };
  const created = change.created ?? Math.floor(Date.now() / 1000);
  const signature = signRequest({
    method,
    ...splitTarget(target),
    headers,
    body,
    key,
    created,
    nonce: newNonce(),
  });
  return { method, target, body, headers: { ...headers, ...signature } };
}

type Alteration = (sent: Sent, transport: Transport) => Sent;
const withHeader =
  (name: string, change: (value: string) => string | undefined): Alteration =>
  (sent) => {
    const { [name]: value = '', ...rest } = sent.headers;
    const changed = change(value);
    return { ...sent, headers: changed === undefined ? rest : { ...rest, [name]: changed } };
  };
const input = (change: (value: string) => string) => withHeader('signature-input', change);
const now = () => Math.floor(Date.now() / 1000);

const ALTERATIONS: Record<string, Alteration> = {
  'no signature at all': (sent) => ({
    ...sent,
    headers: { 'x-user-id': String(ANNA), 'idempotency-key': 'k' },
  }),
  'no Signature': withHeader('signature', () => undefined),
  'no Signature-Input': withHeader('signature-input', () => undefined),
  'another acting user': withHeader('x-user-id', () => String(BO)),
  'another idempotency key': withHeader('idempotency-key', () => 'another'),
  'a room added': (sent) => ({ ...sent, headers: { ...sent.headers, 'x-room-id': 'demo' } }),
  'the acting user twice': withHeader('x-user-id', (value) => `${value}, ${value}`),
  'the digest of another body': withHeader(
    'content-digest',
    () => 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
  ),
  'no digest': withHeader('content-digest', () => undefined),
  'another body': (sent, transport) => ({ ...sent, body: transport.transfer(BO, 6).body }),
  'another method name': (sent, transport) => ({ ...sent, target: transport.otherTarget }),
  'a query added': (sent) => ({
    ...sent,
    target: sent.target.startsWith('/api') ? `${sent.target}?a=1` : `${sent.target}X`,
  }),
  'the path uncovered': input((value) => value.replace('"@path" ', '')),
  'the user uncovered': input((value) => value.replace('"x-user-id" ', '')),
  'the path covered twice': input((value) => value.replace('"@path"', '"@path" "@path"')),
  'a component that is not there': input((value) => value.replace('"@path"', '"@path" "x-room-id"')),
  'two signatures': input((value) => `${value}, sig2=("@path")`),
  'another time': input((value) => value.replace(/created=\d+/, `created=${now() - 1}`)),
  'a time that is no number': input((value) => value.replace(/created=\d+/, 'created="now"')),
  'no time': input((value) => value.replace(/created=\d+;/, '')),
  'another nonce': input((value) => value.replace(/nonce="[^"]+"/, `nonce="${newNonce()}"`)),
  'a nonce that is too short': input((value) => value.replace(/nonce="[^"]+"/, 'nonce="short"')),
  'another algorithm': input((value) => value.replace('hmac-sha256', 'ed25519')),
  'no algorithm': input((value) => value.replace(';alg="hmac-sha256"', '')),
  'one letter of the signature': withHeader('signature', (value) =>
    value.replace(/:(.)/, (_all, first) => `:${first === 'A' ? 'B' : 'A'}`),
  ),
  'a signature of nothing': withHeader('signature', () => 'sig1=::'),
  'a label of its own': withHeader('signature', (value) => value.replace('sig1', 'sig2')),
};

const ways: readonly {
  name: string;
  transport: () => Transport;
  victim: () => SigningKey;
  skip: string | false;
}[] = [
  {
    name: 'gRPC',
    transport: () => overGrpc(stack.grpcAddress),
    victim: () => victims[0] as SigningKey,
    skip: false,
  },
  {
    name: 'REST',
    transport: () => overRest(stack.restUrl),
    victim: () => victims[1] as SigningKey,
    skip: withoutEdge,
  },
];

for (const { name, transport, victim, skip } of ways) {
  test(`over ${name}: altered calls get one and the same answer, and change nothing`, { skip }, async () => {
    const way = transport();
    const answers = new Map<string, string>();
    for (const [row, alter] of Object.entries(ALTERATIONS)) {
      answers.set(row, await way.send(alter(signed(way, victim()), way)));
    }
    for (const [row, age] of [
      ['too old', -70],
      ['from the future', 20],
    ] as const) {
      answers.set(row, await way.send(signed(way, victim(), { created: now() + age })));
    }
    for (const [row, key] of Object.entries(others))
      answers.set(`${row} key`, await way.send(signed(way, key)));
    const [mine, theirs] = [signed(way, victim()), signed(way, victim(), { amount: 7 })];
    answers.set('bodies swapped', await way.send({ ...mine, body: theirs.body }));
    const [first = ''] = answers.values();
    assert.match(first, /AUTHENTICATION_FAILED/);
    for (const [row, answer] of answers) {
      // A path that leads nowhere is refused before anybody looks at its signature.
      if (row === 'a query added' || row === 'another method name') assert.doesNotMatch(answer, /^OK/, row);
      else assert.equal(answer, first, row);
    }
    assert.equal(await everything(), untouched);
    way.close();
  });

  test(`over ${name}: the key is accepted from the same address, however many wrong signatures came from there`, {
    skip,
  }, async () => {
    const way = transport();
    assert.match(await way.send(signed(way, victim())), /^OK/);
    untouched = await everything();
    way.close();
  });

  test(`over ${name}: the same calls pass when they are signed as they are sent`, { skip }, async () => {
    const way = transport();
    const before = await everything();
    for (const created of [now(), now() - 45, now() + 3]) {
      assert.match(await way.send(signed(way, stack.key, { created })), /^OK/);
    }
    assert.match(await way.send(signed(way, stack.key, { user: BO, amount: 6 })), /SELF_TRANSFER/);
    const near = await makeKey(stack.database, { allowedNetworks: ['127.0.0.0/8', '::1/128'] });
    // Another process made the key: the server learns it when it reads its keys again, which a change through it causes.
    await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: others.revoked.keyId });
    assert.match(await way.send(signed(way, near)), /^OK/);
    assert.notEqual(await everything(), before);
    untouched = await everything();
    way.close();
  });

  test(`over ${name}: a repeated call is refused, and has happened once`, { skip }, async () => {
    const way = transport();
    const call = signed(way, stack.key);
    assert.match(await way.send(call), /^OK/);
    untouched = await everything();
    assert.match(await way.send(call), /NONCE_REUSED/);
    assert.equal(await everything(), untouched);
    way.close();
  });

  test(`over ${name}: a key does what its scopes and its user allow, and nothing else`, {
    skip,
  }, async () => {
    const way = transport();
    const database = stack.database;
    const reader = await makeKey(database, { scopes: ['read'] });
    const bos = await makeKey(database, { scopes: ['read', 'pay'], userId: BigInt(BO) });
    await stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: others.revoked.keyId });
    assert.match(await way.send(signed(way, reader)), /MISSING_SCOPE/);
    assert.match(await way.send(signed(way, bos)), /KEY_USER_MISMATCH/);
    assert.equal(await everything(), untouched);
    way.close();
  });
}
