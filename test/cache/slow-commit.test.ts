// A commit waits for a synchronous standby that is away, and its process dies meanwhile: a caller who learns of it later, by a
// retry that gets the stored answer, sees it in every balance.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type OwnReplica, startOwnReplica } from '../db/own-replica.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { peopleOf, type TestDatabase } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';
import { type CachedLedger, startCachedLedger } from './cached-ledger.ts';

const skip = withoutRedis;
const [ANNA, BO] = [8301, 8302];
const IN_TIME_MS = 30_000;

let replica: OwnReplica;
let redis: OwnRedis;
let database: TestDatabase;
before(async () => {
  if (skip) return;
  [replica, redis] = await Promise.all([startOwnReplica(), startOwnRedis()]);
  database = { ...replica.primary, drop: async () => {} };
  await peopleOf(database).addUsers([ANNA, BO]);
});
after(async () => {
  await replica?.stop();
  await redis?.stop();
});

/** Asks the primary as its owner; what this changes waits for no standby. */
async function ask(sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({
    connectionString: database.ownerUrl,
    options: '-c synchronous_commit=local',
  });
  await client.connect();
  return client.query(sql).finally(() => client.end());
}

const waiting = async () =>
  (await ask(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)).rowCount ?? 0;

/** As if the tombstones had expired: they live for an hour, and the commit waits longer. */
async function expireTombstones(): Promise<number> {
  const client = new Redis(redis.url);
  try {
    let ended = 0;
    for (const key of await client.keys('test:copy:*'))
      if ((await client.get(key))?.startsWith('M')) ended += await client.del(key);
    return ended;
  } finally {
    client.disconnect();
  }
}

async function untilTrusted(process: CachedLedger): Promise<void> {
  await until('entries are trusted', () => process.lease.current() !== undefined, IN_TIME_MS);
}

test('balances follow a stored answer whose commit was slower than its process and its tombstones', {
  skip,
}, async () => {
  const proxy = await startTcpProxy(Number(new URL(database.appUrl).port));
  const through = Object.assign(new URL(database.appUrl), { port: String(proxy.port) }).href;
  const writer = await startCachedLedger({ ...database, appUrl: through }, redis.url);
  const [reader, other] = [
    await startCachedLedger(database, redis.url),
    await startCachedLedger(database, redis.url),
  ];
  try {
    await writer.deposit(ANNA, 1000);
    await untilTrusted(reader);
    await ask(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
    await ask('SELECT pg_reload_conf()');
    const isSynchronous = async () =>
      (await ask(`SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`)).rowCount === 1;
    await until('the standby is a synchronous one', isSynchronous, IN_TIME_MS);

    replica.freeze();
    const key = crypto.randomUUID();
    const lost = writer.pay(ANNA, BO, 100, key);
    lost.catch(() => {});
    await until('the commit waits for the standby', async () => (await waiting()) > 0, IN_TIME_MS);
    proxy.cut();
    assert.ok((await expireTombstones()) >= 2, 'no tombstone was set before the commit');
    assert.deepEqual([await reader.balance(ANNA), await reader.balance(BO)], [1000, 0]);
    for (const user of [ANNA, BO]) {
      const isFilledIn = async () => {
        await reader.balance(user);
        return reader.lastResult() === 'hit';
      };
      await until('the reader fills in entries from before', isFilledIn, IN_TIME_MS);
    }

    replica.thaw();
    await until('the commit is done', async () => (await waiting()) === 0, IN_TIME_MS);
    assert.equal(await other.pay(ANNA, BO, 100, key), 900);
    assert.deepEqual([await reader.balance(ANNA), await reader.balance(BO)], [900, 100]);
  } finally {
    replica.thaw();
    proxy.close();
    await Promise.all([writer.stop(), reader.stop(), other.stop()]);
  }
});
