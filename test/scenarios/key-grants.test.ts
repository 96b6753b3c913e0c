// What a key may give away: no more than it has, and not for good unless that is asked for; and how many of a line live at once.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import { expectRefusal } from '../api.ts';
import { type Answer, grpcClient, type Json } from '../api-client.ts';
import { type Stack, serverEnv, startStack } from '../stack.ts';

const DAY = 86_400_000;
const HMAC = 'API_KEY_KIND_HMAC_SHA256';
const wish = { display_name: 'a caller', kind: HMAC, scopes: ['SCOPE_READ'] };
let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

const admin = (method: string, request: Json) => stack.grpc.call(`admin.v1.ApiKeyService/${method}`, request);
const idOf = (made: Answer) => String(made.at('api_key', 'key_id'));

/** A call signed with a key of these rights. */
async function as(rights: Json, method: string, request: Json): Promise<Answer> {
  const granter = await admin('CreateApiKey', { ...wish, ...rights });
  const client = grpcClient(stack.grpcAddress, hmacKey(idOf(granter), String(granter.body.secret)));
  try {
    return await client.call(`admin.v1.ApiKeyService/${method}`, request);
  } finally {
    client.close();
  }
}

test('a key gives no scope, network or rate that it does not have itself', async () => {
  const narrow = {
    scopes: ['SCOPE_ADMIN', 'SCOPE_READ'],
    allowed_networks: ['127.0.0.0/8', '::1/128', '10.0.0.0/8'],
    rate_per_second: 1000,
  };
  const within = {
    ...wish,
    allowed_networks: ['10.1.0.0/16', '127.0.0.1/32'],
    rate_per_second: 1000,
  };
  assert.equal((await as(narrow, 'CreateApiKey', within)).status, 0);
  const wider: [Json, string][] = [
    [{ ...within, scopes: ['SCOPE_READ', 'SCOPE_PAY'] }, 'scopes'],
    [{ ...within, scopes: ['SCOPE_FUND'] }, 'scopes'],
    [{ ...within, allowed_networks: [] }, 'allowed_networks'],
    [{ ...within, allowed_networks: ['10.1.0.0/16', '11.0.0.0/8'] }, 'allowed_networks'],
    [{ ...within, allowed_networks: ['8.0.0.0/5'] }, 'allowed_networks'],
    [{ ...within, allowed_networks: ['::/0'] }, 'allowed_networks'],
    [{ ...within, rate_per_second: 1001 }, 'rate_per_second'],
    [{ ...within, rate_per_second: 0 }, 'rate_per_second'],
  ];
  for (const [request, field] of wider) {
    const { code, reason, fields } = await as(narrow, 'CreateApiKey', request);
    assert.deepEqual([code, reason, fields], ['ERR004', 'GRANT_TOO_WIDE', [field]], JSON.stringify(request));
  }
});

test('nor by replacing a key that may do more, nor by letting one in from elsewhere', async () => {
  const ops = { scopes: ['SCOPE_ADMIN'] };
  const key_id = idOf(await admin('CreateApiKey', wish));
  const rotated = await as(ops, 'RotateApiKey', { key_id });
  assert.deepEqual([rotated.reason, rotated.fields], ['GRANT_TOO_WIDE', ['key_id']]);
  assert.equal((await as({ scopes: ['SCOPE_ADMIN', 'SCOPE_READ'] }, 'RotateApiKey', { key_id })).status, 0);
  const inside = { ...ops, allowed_networks: ['127.0.0.0/8', '::1/128'] };
  const opened = await as(inside, 'SetAllowedNetworks', { key_id, allowed_networks: [] });
  assert.deepEqual([opened.reason, opened.fields], ['GRANT_TOO_WIDE', ['allowed_networks']]);
  const closed = await as(inside, 'SetAllowedNetworks', { key_id, allowed_networks: ['127.0.0.1/32'] });
  assert.equal(closed.status, 0);
});

test('a key ends after a year unless its maker says otherwise', async () => {
  const lifetime = (made: Answer) =>
    Date.parse(String(made.at('api_key', 'expires_at'))) -
    Date.parse(String(made.at('api_key', 'active_from')));
  const usual = await admin('CreateApiKey', wish);
  assert.equal(lifetime(usual), 365 * DAY);
  const end = new Date(Date.now() + 1000 * DAY).toISOString();
  const longer = await admin('CreateApiKey', { ...wish, expires_at: end });
  assert.equal(Date.parse(String(longer.at('api_key', 'expires_at'))), Date.parse(end));
  const endless = await admin('CreateApiKey', { ...wish, never_expires: true });
  assert.equal(endless.at('api_key', 'expires_at'), undefined);
  const both = await admin('CreateApiKey', { ...wish, never_expires: true, expires_at: end });
  assert.deepEqual([both.reason, both.fields], ['INVALID_FIELD', ['never_expires']]);
  // Who replaces it gets as long a life, and not what is left of the old one's.
  const week = new Date(Date.now() + 7 * DAY).toISOString();
  const short = await admin('CreateApiKey', { ...wish, expires_at: week });
  const successor = await admin('RotateApiKey', { key_id: idOf(short) });
  assert.equal(lifetime(successor), lifetime(short));
  assert.ok(Date.parse(String(successor.at('api_key', 'expires_at'))) > Date.parse(week));
  const again = await admin('RotateApiKey', { key_id: idOf(endless) });
  assert.equal(again.at('api_key', 'expires_at'), undefined);
});

test('the command line sets an end too', async () => {
  const keys = async (...args: string[]) => {
    const env = { ...process.env, ...serverEnv(stack.database, stack.logDir) };
    const { stdout } = await promisify(execFile)('node', ['scripts/keys.ts', 'create', ...args], { env });
    return JSON.parse(stdout).key;
  };
  const create = (...expires: string[]) => keys('--name', 'x', '--scopes', 'read', ...expires);
  const days = (key: { activeFrom: number; expiresAt: number }) =>
    Math.round((key.expiresAt - key.activeFrom) / 1000 / DAY);
  assert.equal(days(await create()), 365);
  assert.equal(days(await create('--expires', '90d')), 90);
  assert.equal((await create('--expires', 'never')).expiresAt, undefined);
  assert.equal(
    (await create('--expires', '2099-01-31')).expiresAt,
    Date.parse('2099-01-31T00:00:00Z') * 1000,
  );
  for (const wrong of ['0d', 'soon', '2020-01-01', '2099-02-30', '-1d'])
    await assert.rejects(create('--expires', wrong));
});

/** How many keys of the line that ends in this one can sign now. */
async function liveOf(ids: readonly string[]): Promise<number> {
  const { rows } = await stack.db.query(
    `SELECT count(*)::int AS n FROM api_keys
     WHERE id = ANY ($1) AND coalesce(least(revoked_at, expires_at) > clock_timestamp(), true)`,
    [ids],
  );
  return rows[0].n;
}

test('at most two keys of a line are live, also when many replace at once', async () => {
  const line = [idOf(await admin('CreateApiKey', wish))];
  line.push(idOf(await admin('RotateApiKey', { key_id: line[0] ?? '', overlap: '3600s' })));
  const third = await admin('RotateApiKey', { key_id: line[1] ?? '', overlap: '3600s' });
  expectRefusal(third, 'ERR006', 'KEY_ROTATION_IN_PROGRESS', 'any');
  assert.equal(await liveOf(line), 2);
  // Where the one that is replaced ends at once, its successor makes no third.
  line.push(idOf(await admin('RotateApiKey', { key_id: line[1] ?? '', overlap: '0s' })));
  assert.equal(await liveOf(line), 2);
  // Once the oldest is revoked there is room again, for one.
  await admin('RevokeApiKey', { key_id: line[0] ?? '' });
  const tries = await Promise.all(
    Array.from({ length: 10 }, () => admin('RotateApiKey', { key_id: line[2] ?? '', overlap: '3600s' })),
  );
  const made = tries.filter(({ status }) => status === 0);
  assert.equal(made.length, 1);
  line.push(...made.map(idOf));
  assert.equal(await liveOf(line), 2);
  const refused = await admin('RotateApiKey', { key_id: line[3] ?? '', overlap: '3600s' });
  assert.equal(refused.reason, 'KEY_ROTATION_IN_PROGRESS');
});

test('the database holds a line to two by itself', async () => {
  const client = await stack.db.connect();
  const insert = (id: string, replaces: string | null) =>
    client.query(
      `INSERT INTO api_keys (id, display_name, kind, sealed_secret, scopes, active_from, replaces_id)
       VALUES ($1, 'x', 'hmac-sha256', 'x', '{read}', now(), $2)`,
      [id, replaces],
    );
  try {
    await client.query('BEGIN');
    await insert('line-1', null);
    await insert('line-2', 'line-1');
    await assert.rejects(insert('line-3', 'line-2'), /api_keys_two_of_a_line|two keys/);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});
