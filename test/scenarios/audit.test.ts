// The audit trail: every admin call, every denied one and every stranger leaves a line that nobody can take back.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { type Act, ActSampler } from '../../src/domain/act.ts';
import { actingAs } from '../api.ts';
import { type Answer, grpcClient, type Json } from '../api-client.ts';
import { makeKey, SEALING_KEY } from '../keys.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const ANNA = 9721;
const BO = 9722;
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
});
after(() => stack.stop());

const KEYS = 'admin.v1.ApiKeyService';
const wish = { display_name: 'a caller', kind: 'API_KEY_KIND_HMAC_SHA256', scopes: ['SCOPE_READ'] };
const listActs = (request: Json) => stack.grpc.call('admin.v1.AuditService/ListActs', request);

async function actsOf(request: Json): Promise<Json[]> {
  const answer = await listActs({ page_size: 100, ...request });
  assert.equal(answer.status, 0, answer.reason);
  return answer.list('acts');
}

/** Calls with a key. */
async function callWith(key: SigningKey, rpc: string, request: Json, userId?: number): Promise<Answer> {
  const client = grpcClient(stack.grpcAddress, key);
  const identity = userId === undefined ? {} : actingAs(userId);
  return client.call(rpc, request, identity).finally(() => client.close());
}

test('a key that is made, kept to networks, replaced and revoked leaves attempt and outcome, before and after, no secret', async () => {
  const made = await stack.grpc.call(`${KEYS}/CreateApiKey`, wish);
  const keyId = String(made.at('api_key', 'key_id'));
  const networks = { key_id: keyId, allowed_networks: ['10.0.0.0/8'] };
  await stack.grpc.call(`${KEYS}/SetAllowedNetworks`, networks);
  const rotated = await stack.grpc.call(`${KEYS}/RotateApiKey`, { key_id: keyId });
  await stack.grpc.call(`${KEYS}/RevokeApiKey`, { key_id: keyId });
  const acts = await actsOf({ target: keyId });
  assert.deepEqual(
    acts.map(({ rpc, outcome }) => `${rpc} ${outcome}`),
    [
      `${KEYS}/RevokeApiKey ACT_OUTCOME_DONE`,
      `${KEYS}/RevokeApiKey ACT_OUTCOME_ATTEMPTED`,
      `${KEYS}/RotateApiKey ACT_OUTCOME_DONE`,
      `${KEYS}/RotateApiKey ACT_OUTCOME_ATTEMPTED`,
      `${KEYS}/SetAllowedNetworks ACT_OUTCOME_DONE`,
      `${KEYS}/SetAllowedNetworks ACT_OUTCOME_ATTEMPTED`,
      `${KEYS}/CreateApiKey ACT_OUTCOME_DONE`,
    ],
  );
  for (const act of acts) {
    assert.equal(act.key_id, stack.key.keyId);
    assert.equal(act.actor, 'key');
    assert.match(String(act.client_address), /127\.0\.0\.1/);
    assert.match(String(act.request_id), /^[0-9a-f-]{36}$/);
  }
  const [revoked, attempted, replaced, , networked] = acts;
  assert.equal(revoked?.act_id, attempted?.act_id);
  assert.equal(JSON.parse(String(networked?.before)).allowedNetworks.length, 0);
  assert.deepEqual(JSON.parse(String(networked?.after)).allowedNetworks, ['10.0.0.0/8']);
  const successor = String(rotated.at('api_key', 'key_id'));
  assert.ok(successor in JSON.parse(String(replaced?.after)));
  const everything = JSON.stringify((await stack.db.query('SELECT * FROM audit_acts')).rows);
  const log = await until('the log has it', () => {
    const text = readFileSync(join(stack.logDir, 'audit.log'), 'utf8');
    return text.includes(String(revoked?.act_id)) ? text : undefined;
  });
  const sealed = await stack.db.query<{ sealed_secret: string }>('SELECT sealed_secret FROM api_keys');
  const secrets = [made, rotated].map((answer) => String(answer.body.secret));
  for (const secret of [...secrets, ...sealed.rows.map((row) => row.sealed_secret)])
    assert.ok(!everything.includes(secret) && !log.includes(secret));
  assert.equal((statSync(join(stack.logDir, 'audit.log')).mode & 0o777).toString(8), '600');
});

test('a look, a refusal and a job that is paused stand there, with the reason', async () => {
  await stack.grpc.call(`${KEYS}/ListApiKeys`, {});
  const none = `ppk_live_${'a'.repeat(30)}`;
  assert.equal((await stack.grpc.call(`${KEYS}/RevokeApiKey`, { key_id: none })).reason, 'KEY_NOT_FOUND');
  await stack.grpc.call('admin.v1.JobService/PauseJob', { job: 'purge-sprinkles' });
  await stack.grpc.call('admin.v1.JobService/ResumeJob', { job: 'purge-sprinkles' });
  assert.equal((await actsOf({ rpc: `${KEYS}/ListApiKeys` }))[0]?.outcome, 'ACT_OUTCOME_DONE');
  const refused = await until('the refusal', async () =>
    (await actsOf({ target: none })).find(({ outcome }) => outcome === 'ACT_OUTCOME_REFUSED'),
  );
  assert.equal(refused.reason, 'KEY_NOT_FOUND');
  const [resumed, , paused] = await actsOf({ target: 'purge-sprinkles' });
  assert.match(String(paused?.after), /"isPaused":\s*true/);
  assert.match(String(resumed?.before), /"isPaused":\s*true/);
  assert.match(String(resumed?.after), /"isPaused":\s*false/);
});

test('a key without the scope, and one that acts for somebody else, are denied on the trail', async () => {
  const made = await stack.grpc.call(`${KEYS}/CreateApiKey`, { ...wish, user_id: ANNA });
  const key = hmacKey(String(made.at('api_key', 'key_id')), String(made.body.secret));
  const other = await callWith(key, 'wallet.v1.WalletService/GetBalance', {}, BO);
  assert.equal(other.status, 7);
  assert.equal((await callWith(key, `${KEYS}/ListApiKeys`, {})).reason, 'MISSING_SCOPE');
  const acts = await until('two denials', async () => {
    const found = await actsOf({ key_id: key.keyId });
    return found.length === 2 ? found : undefined;
  });
  assert.deepEqual(
    acts.map(({ rpc, outcome, reason, target }) => [rpc, outcome, reason, target]),
    [
      [`${KEYS}/ListApiKeys`, 'ACT_OUTCOME_DENIED', 'MISSING_SCOPE', ''],
      ['wallet.v1.WalletService/GetBalance', 'ACT_OUTCOME_DENIED', other.reason, String(BO)],
    ],
  );
});

test('hundreds of calls of a stranger are a handful of lines', async () => {
  const key = await makeKey(stack.database);
  const client = grpcClient(stack.grpcAddress, { ...key, keyId: `ppk_live_${'b'.repeat(30)}` });
  const calls = 300;
  await Promise.all(
    Array.from({ length: calls }, () =>
      client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA)),
    ),
  );
  client.close();
  const lines = await until('a line of a stranger', async () => {
    const { rows } = await stack.db.query(
      `SELECT key_id, reason, rpc, client_address, count FROM audit_acts WHERE outcome = 'unauthenticated'`,
    );
    return rows.length > 0 ? rows : undefined;
  });
  // Five a minute and address, and one that counts the others once the minute is over.
  assert.ok(lines.length <= 12, `${lines.length} lines`);
  assert.equal(lines[0]?.rpc, 'wallet.v1.WalletService/GetBalance');
});

const stranger = (clientAddress: string): Act => ({
  actId: crypto.randomUUID(),
  keyId: '',
  actor: 'stranger',
  clientAddress,
  rpc: 'a',
  target: '',
  outcome: 'unauthenticated',
  reason: 'unknown key',
  requestId: '',
  count: 1,
});

test('sampling: lines of a minute are bounded for all callers together, and their counts add up to every call', () => {
  const sampler = new ActSampler();
  const written: Act[] = [];
  const calls = 50_000;
  for (let i = 0; i < calls; i++) {
    const address = i % 2 === 0 ? 'one' : `address ${i % 5000}`;
    written.push(...sampler.take(address, stranger(address), 60_000 + (i % 1000)));
  }
  const first = written.length;
  assert.ok(first <= 60, `${first} lines`);
  written.push(...sampler.summarize(120_000));
  assert.ok(written.length - first <= 61);
  assert.equal(
    written.reduce((sum, { count }) => sum + count, 0),
    calls,
  );
  assert.equal(written.filter(({ outcome }) => outcome === 'dropped').length, 1);
});

test('nobody changes, removes or empties the trail: neither the servers nor the owner', async () => {
  const done: string[] = [];
  const attack = async (
    who: string,
    db: pg.Pool | pg.Client,
    statements: readonly string[],
    code: string,
  ) => {
    for (const sql of statements) {
      const refused = await db.query(sql).then(
        () => undefined,
        (error: pg.DatabaseError) => error,
      );
      if (refused?.code !== code) done.push(`${who}: ${sql}: ${refused?.message ?? 'done'}`);
    }
  };
  await stack.grpc.call(`${KEYS}/CreateApiKey`, wish);
  const { rows } = await stack.db.query<{ id: string }>('SELECT id FROM audit_acts LIMIT 1');
  const changes = [
    `UPDATE audit_acts SET reason = 'x' WHERE id = ${rows[0]?.id}`,
    `DELETE FROM audit_acts WHERE id = ${rows[0]?.id}`,
    'TRUNCATE audit_acts',
  ];
  await attack('owner', stack.db, changes, '23001');
  await attack('owner', stack.db, [`SELECT purge_audit_acts(now() - interval '4 years')`], 'P0001');
  // It is the triggers that keep the owner from it.
  const unbound = await stack.db.connect();
  await unbound.query('BEGIN; SET LOCAL session_replication_role = replica');
  for (const sql of changes) await unbound.query(sql);
  await unbound.query('ROLLBACK');
  unbound.release();
  assert.equal(
    (await stack.db.query(`SELECT purge_audit_acts(now() - interval '6 years') AS removed`)).rows[0].removed,
    '0',
  );
  const columns = 'act_id, key_id, actor, client_address, rpc, target, outcome, reason, request_id, count';
  const values = `gen_random_uuid(), '', 'key', '', 'a', '', 'done', '', '', 1`;
  for (const [who, url, allowed, denied] of [
    [
      'server',
      stack.database.appUrl,
      [`INSERT INTO audit_acts (${columns}) VALUES (${values})`],
      [
        'SELECT * FROM audit_acts',
        `INSERT INTO audit_acts (${columns}, occurred_at) VALUES (${values}, now())`,
      ],
    ],
    ['admin', stack.database.adminUrl, ['SELECT * FROM audit_acts'], [`UPDATE audit_acts SET count = 2`]],
    ['worker', stack.database.workerUrl, [], ['SELECT * FROM audit_acts']],
  ] as const) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const sql of allowed) await client.query(sql);
    await attack(who, client, [...denied, 'DELETE FROM audit_acts', 'TRUNCATE audit_acts'], '42501');
    await client.end();
  }
  assert.deepEqual(done, []);
});

test('where the trail cannot be written nothing is done: no key is made', async () => {
  const count = async () => (await stack.db.query('SELECT count(*) FROM api_keys')).rows[0].count;
  const had = await count();
  await stack.db.query('ALTER TABLE audit_acts ADD CONSTRAINT full_disk CHECK (id < 0) NOT VALID');
  const answer = await stack.grpc.call(`${KEYS}/CreateApiKey`, wish);
  const look = await stack.grpc.call(`${KEYS}/ListApiKeys`, {});
  await stack.db.query('ALTER TABLE audit_acts DROP CONSTRAINT full_disk');
  assert.deepEqual([answer.reason, look.reason], ['UNAVAILABLE', 'UNAVAILABLE']);
  assert.equal(await count(), had);
  assert.equal((await stack.grpc.call(`${KEYS}/CreateApiKey`, wish)).status, 0);
});

test('npm run keys leaves its lines too, with the user of the machine', async () => {
  const script = new URL('../../scripts/keys.ts', import.meta.url).pathname;
  const env = {
    ...process.env,
    ADMIN_DATABASE_URL: stack.database.adminUrl,
    REDIS_URL: stack.config.redis.url,
    KEY_ENCRYPTION_KEYS: `${SEALING_KEY.id}:${SEALING_KEY.key.toString('base64')}`,
  };
  const keys = (...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [script, ...args], { env }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
    });
  const made = JSON.parse(await keys('create', '--name', 'cli', '--scopes', 'read'));
  await keys('revoke', made.key.id);
  const acts = await actsOf({ target: made.key.id });
  assert.deepEqual(
    acts.map(({ rpc, outcome }) => `${rpc} ${outcome}`),
    ['keys revoke ACT_OUTCOME_DONE', 'keys revoke ACT_OUTCOME_ATTEMPTED', 'keys create ACT_OUTCOME_DONE'],
  );
  assert.match(String(acts[0]?.actor), /^command-line:.+@.+/);
  assert.ok(!JSON.stringify(acts).includes(made.secret));
});

test('the list has pages and bounds in time, and refuses tokens of another list', async () => {
  for (let i = 0; i < 5; i++) await stack.grpc.call(`${KEYS}/ListApiKeys`, {});
  const rpc = `${KEYS}/ListApiKeys`;
  const first = await listActs({ rpc, page_size: 2 });
  const token = String(first.body.next_page_token);
  const second = await listActs({ rpc, page_size: 2, page_token: token });
  const ids = [...first.list('acts'), ...second.list('acts')].map(({ act_id }) => act_id);
  assert.equal(new Set(ids).size, 4);
  assert.equal((await listActs({ page_token: token })).reason, 'INVALID_PAGE_TOKEN');
  const at = String(first.list('acts')[0]?.occurred_at);
  assert.equal((await actsOf({ rpc, before: at })).length, (await actsOf({ rpc })).length - 1);
  assert.equal((await actsOf({ rpc, from: at })).length, 1);
});
