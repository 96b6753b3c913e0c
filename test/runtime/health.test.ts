// Health follows what the process depends on: Postgres away, hanging and back; without Redis everybody is still served.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { SERVICES } from '../../src/grpc/contracts.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { actingAs, withKey } from '../api.ts';
import { type ApiClient, grpcClient } from '../api-client.ts';
import { type OwnPostgres, startOwnPostgres } from '../db/own-postgres.ts';
import { makeKey } from '../keys.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { peopleOf, serverEnv } from '../stack.ts';
import { until } from '../until.ts';
import { type HealthClient, healthClient, readPage } from './ops-client.ts';

const USER = 9301;
/** Two failures half a second apart, each after at most a second, and room for a busy machine. */
const NOTICED_MS = 10_000;
let postgres: OwnPostgres;
let redis: OwnRedis | undefined;
let folder: string;
let app: ServerProgram;
let opsUrl: string;
let health: HealthClient;
let client: ApiClient;

before(async () => {
  [postgres, redis] = await Promise.all([startOwnPostgres(), withoutRedis ? undefined : startOwnRedis()]);
  folder = mkdtempSync(join(tmpdir(), 'ppuri-health-'));
  const env = serverEnv({ ...postgres, drop: async () => {} }, folder);
  const key = await makeKey(postgres);
  app = await createServerProgram(readServerConfig({ ...env, ...(redis && { REDIS_URL: redis.url }) }));
  opsUrl = `http://127.0.0.1:${app.opsPort}`;
  health = healthClient(`127.0.0.1:${app.grpcPort}`);
  client = grpcClient(`127.0.0.1:${app.grpcPort}`, key);
  await peopleOf({ ...postgres, drop: async () => {} }).addUsers([USER]);
});
after(async () => {
  health?.close();
  client?.close();
  assert.equal(await app?.stop(), true);
  await Promise.all([postgres?.stop(), redis?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const statusOf = (path: string) => readPage(opsUrl, path);
const isAll = async (status: string) => {
  const all = await Promise.all(['', ...SERVICES].map((name) => health.check(name)));
  return all.every((one) => one === status);
};
const balance = () => client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(USER));

for (const [how, away, back] of [
  ['is killed', () => postgres.kill(), () => postgres.restart()],
  ['hangs', async () => postgres.freeze(), async () => postgres.thaw()],
] as const) {
  test(`Postgres ${how}: nobody is served, watchers are notified, and it is found again`, async () => {
    const watched = health.watch('wallet.v1.WalletService');
    await until('served', () => isAll('SERVING'), NOTICED_MS);
    assert.deepEqual((await statusOf('/readyz')).body, {
      status: 'ready',
      breakers: { admission: 'closed', cache: 'closed' },
    });
    await away();
    try {
      await until('not served', () => isAll('NOT_SERVING'), NOTICED_MS);
      const { status, body } = await statusOf('/readyz');
      assert.equal(status, 503);
      assert.equal(body.status, 'not ready');
      const [lack] = body.away as { dependency: string; reason: string }[];
      assert.equal(lack?.dependency, 'postgres');
      assert.notEqual(lack?.reason, '');
      assert.equal((await statusOf('/healthz')).status, 200, 'it is alive, and need not be killed');
    } finally {
      await back();
    }
    await until('served again', () => isAll('SERVING'), NOTICED_MS);
    assert.equal((await statusOf('/readyz')).status, 200);
    await until('a call passes', async () => (await balance()).status === 0, NOTICED_MS);
    assert.deepEqual(watched.statuses, ['SERVING', 'NOT_SERVING', 'SERVING'], 'told of each change once');
  });
}

/** On a busy machine a check may first find no connection. */
const isReadOnlySaid = async () => {
  const { status, body } = await statusOf('/readyz');
  return status === 503 && /read-only/.test(JSON.stringify(body.away));
};

test('Postgres becomes read-only: calls are UNAVAILABLE, and it is found writable again', async () => {
  const owner = new pg.Client({ connectionString: postgres.ownerUrl });
  await owner.connect();
  const setReadOnly = async (value: 'on' | 'off') => {
    await owner.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await owner.query('SELECT pg_reload_conf()');
  };
  await until('served', () => isAll('SERVING'), NOTICED_MS);
  try {
    await setReadOnly('on');
    await until('not served', () => isAll('NOT_SERVING'), NOTICED_MS);
    await until('readiness says so', isReadOnlySaid, NOTICED_MS);
    for (const [rpc, request] of Object.entries({
      'wallet.v1.WalletService/Charge': { amount: 1 },
      'wallet.v2.UserService/CreateUser': { user_id: '9399', display_name: 'New' },
    })) {
      const identity = withKey(USER);
      const answer = await client.call(rpc, request, identity);
      assert.equal(answer.reason, 'UNAVAILABLE', `${rpc}: ${answer.status}`);
    }
  } finally {
    await setReadOnly('off');
    await owner.end();
  }
  await until('served again', () => isAll('SERVING'), NOTICED_MS);
  await until(
    'a payment passes',
    async () => {
      const identity = withKey(USER);
      return (await client.call('wallet.v1.WalletService/Charge', { amount: 1 }, identity)).status === 0;
    },
    NOTICED_MS,
  );
});

test('the login of the server becomes read-only: readiness sees it before its sessions do', async () => {
  const owner = new pg.Client({ connectionString: postgres.ownerUrl });
  await owner.connect();
  await until('served', () => isAll('SERVING'), NOTICED_MS);
  try {
    await owner.query('ALTER ROLE ppuri_app SET default_transaction_read_only = on');
    await until('not served', () => isAll('NOT_SERVING'), NOTICED_MS);
    await until('readiness says so', isReadOnlySaid, NOTICED_MS);
  } finally {
    await owner.query('ALTER ROLE ppuri_app RESET default_transaction_read_only');
    await owner.end();
  }
  await until('served again', () => isAll('SERVING'), NOTICED_MS);
});

test('Redis is away: calls are served, and /readyz names what is degraded', {
  skip: withoutRedis,
}, async () => {
  await redis?.kill();
  try {
    await until('degraded', async () => (await statusOf('/readyz')).body.status === 'degraded', NOTICED_MS);
    for (let call = 0; call < 10; call++) assert.equal((await balance()).status, 0);
    const { status, body } = await statusOf('/readyz');
    assert.equal(status, 200);
    assert.match(
      JSON.stringify(body.degraded),
      /"dependency":"redis","reason":"the breaker admission is (half-)?open"/,
    );
    assert.ok(await isAll('SERVING'));
  } finally {
    await redis?.restart();
  }
  const isReady = async () => {
    await balance();
    return (await statusOf('/readyz')).body.status === 'ready';
  };
  await until('ready', isReady, NOTICED_MS);
});

test('a page that there is not is 404 and says which there are', async () => {
  const { status, body } = await statusOf('/');
  assert.equal(status, 404);
  assert.deepEqual(body.pages, ['/healthz', '/readyz', '/metrics']);
});

test('a health watch of an unknown service gets SERVICE_UNKNOWN, and takes no memory', async () => {
  const watched = health.watch('wallet.v1.NobodyService');
  await until('told', async () => watched.statuses.includes('SERVICE_UNKNOWN'), NOTICED_MS);
  watched.cancel();
});
