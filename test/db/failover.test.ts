// After a failover no process uses the old primary, which may still be there: connections that lead to it are closed, and
// refused from then on.
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { createLease, LEASE_MS } from '../../src/cache/lease.ts';
import { createCacheEpochs } from '../../src/db/cache-epochs.ts';
import { createOutboxListener } from '../../src/db/jobs/outbox-listener.ts';
import { ANY_NODE, createNodeGuard, type NodeGuard } from '../../src/db/node-guard.ts';
import { createPeople } from '../../src/db/people/index.ts';
import { isReadOnly, isUnreachable, type Pool } from '../../src/db/pool.ts';
import { createPostgresProbe } from '../../src/db/probe.ts';
import { given } from '../stack.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { type OwnReplica, startOwnReplica } from './own-replica.ts';

let own: OwnReplica;
let door: TcpProxy;
const portOf = (url: string) => Number(new URL(url).port);
const throughDoor = (url: string) => Object.assign(new URL(url), { port: String(door.port) }).href;

before(async () => {
  own = await startOwnReplica();
  door = await startTcpProxy(portOf(own.primary.appUrl));
});
after(async () => {
  door?.close();
  await own?.stop();
});

async function ask<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client
    .query<T>(sql)
    .then(({ rows }) => rows[0] as T)
    .finally(() => client.end());
}
const portAsked = async (pool: Pick<Pool, 'query'>) =>
  (await pool.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]?.port;
const sessionsOn = async (ownerUrl: string) =>
  (
    await ask<{ count: number }>(
      ownerUrl,
      `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE usename IN ('ppuri_app', 'ppuri_worker') AND query NOT LIKE '%pg_sleep%'`,
    )
  ).count;
const refusal = async (pool: Pool) => {
  const error = await pool.query('SELECT 1').then(
    () => assert.fail('the node answers'),
    (failure: unknown) => failure,
  );
  assert.ok(isUnreachable(error), String(error));
  return error;
};

test('a standby and a node of another cluster are refused', async () => {
  const standby = createTestPool(own.appUrl);
  assert.ok(isReadOnly(await refusal(standby)));
  await standby.end();
  const guard = createNodeGuard();
  const pool = createTestPool(own.primary.appUrl, { guard });
  await pool.query('SELECT 1');
  const other = createTestPool(given('TEST_OWNER_URL'), { guard });
  assert.match(String(await refusal(other)), /another cluster/);
  await pool.query('SELECT 1');
  await Promise.all([pool.end(), other.end()]);
});

interface Run {
  readonly started: string;
  /** The run of Redis whose entries may be trusted; empty where they are of an earlier run of Postgres. */
  readonly redisRunId: string;
}

/** What the row of the cache says before a process takes the run over, and after. */
async function takeOver({ appUrl, ownerUrl }: Pick<OwnReplica, 'appUrl' | 'ownerUrl'>): Promise<Run> {
  const pool = createTestPool(appUrl);
  const epochs = createCacheEpochs(pool, LEASE_MS);
  const { redisRunId, epoch } = await epochs.read();
  await epochs.adopt('a run of Redis', epoch, 0);
  assert.equal((await epochs.read()).redisRunId, 'a run of Redis');
  await pool.end();
  const text = 'SELECT pg_postmaster_start_time()::text AS started';
  return { redisRunId, started: (await ask<{ started: string }>(ownerUrl, text)).started };
}

/** A node as a test switches it. */
type Node = Pick<OwnReplica, 'appUrl' | 'ownerUrl' | 'cluster' | 'shutDown' | 'restart'>;

/** Shuts the primary down, which sends its standby everything before it ends; promotes that, and lets the old primary follow it. */
async function switchOver(from: Node, to: Node): Promise<void> {
  await from.shutDown();
  await ask(to.ownerUrl, 'SELECT pg_promote()');
  writeFileSync(join(from.cluster, 'standby.signal'), '');
  const conninfo = `primary_conninfo = '${to.ownerUrl}'\nprimary_slot_name = ''\n`;
  appendFileSync(join(from.cluster, 'postgresql.auto.conf'), conninfo);
  await from.restart();
  await until('the old primary streams', async () => {
    const { count } = await ask<{ count: number }>(
      to.ownerUrl,
      `SELECT count(*)::int AS count FROM pg_stat_replication WHERE state = 'streaming'`,
    );
    return count === 1;
  });
}

test('each switchover moves the epoch of the cache on, the one back to the first node as well', async () => {
  const runs = [await takeOver(own.primary)];
  await switchOver(own.primary, own);
  runs.push(await takeOver(own));
  await switchOver(own, own.primary);
  runs.push(await takeOver(own.primary));
  assert.deepEqual(
    runs.map(({ redisRunId }) => redisRunId),
    ['', '', ''],
    'entries of an earlier run count',
  );
  // A primary becomes a standby by a restart only, so no start time comes back.
  assert.equal(new Set(runs.map(({ started }) => started)).size, 3);
});

/** Everything that a process connects with, each with a connection that is open. */
async function connectAll(guard: NodeGuard) {
  const errors: unknown[] = [];
  const url = throughDoor(own.primary.appUrl);
  const pool = createTestPool(url, { guard, maxConnections: 3 });
  const people = createPeople({ url, maxConnections: 1, guard });
  const probe = createPostgresProbe(url, 5_000, guard);
  const heard = Promise.withResolvers<void>();
  const listener = createOutboxListener(
    throughDoor(own.primary.workerUrl),
    heard.resolve,
    (error) => errors.push(error),
    guard,
  );
  const lease = await createLease({
    epochs: createCacheEpochs(pool, LEASE_MS, guard),
    redisRunId: () => 'a run of Redis',
    onFault: () => {},
  });
  await Promise.all([portAsked(pool), people.ping(), probe.ask(), heard.promise]);
  return {
    ...{ pool, people, probe, lease },
    close: async () => {
      lease[Symbol.dispose]();
      await listener[Symbol.asyncDispose]();
      await Promise.all([pool.end(), people[Symbol.asyncDispose](), probe[Symbol.asyncDispose]()]);
    },
  };
}

test('a promotion: one connection to the new primary closes all to the old one, which lives on', async () => {
  const [oldPort, newPort] = [portOf(own.primary.ownerUrl), portOf(own.ownerUrl)];
  const seen: number[] = [];
  const guard = createNodeGuard((timeline) => seen.push(timeline));
  const all = await connectAll(guard);
  // What a process without the guard has, for comparison.
  const unguarded = createTestPool(throughDoor(own.primary.appUrl), { guard: ANY_NODE });
  const trusting = await unguarded.connect();
  assert.equal(await portAsked(trusting), oldPort);
  await until('the lease is held', () => all.lease.current() !== undefined);
  const timeline = guard.timeline();
  const busy = all.pool.query('SELECT pg_sleep(60)');
  const broken = assert.rejects(busy, isUnreachable);
  // The trusting one, and those of sequelize, of the probe and of the listener; the pool may be renewing the lease.
  assert.ok((await sessionsOn(own.primary.ownerUrl)) >= 4);

  await own.query('SELECT pg_promote()');
  door.leadTo(newPort);
  const pool = createTestPool(throughDoor(own.primary.appUrl), { guard });
  assert.equal(await portAsked(pool), newPort);
  assert.deepEqual(seen, [timeline + 1]);
  assert.equal(all.lease.current(), undefined, 'the lease of the old primary counts');
  await broken;
  await until('only the trusting one is left', async () => (await sessionsOn(own.primary.ownerUrl)) === 1);
  assert.equal(await portAsked(trusting), oldPort, 'without the guard the old primary is left, too');
  assert.equal(await portAsked(all.pool), newPort);
  await all.people.ping();
  await all.probe.ask();
  await until('the lease is held again', () => all.lease.current() !== undefined);

  // The door leads to the node that was left behind.
  door.leadTo(oldPort);
  const mistaken = createTestPool(throughDoor(own.primary.appUrl), { guard });
  assert.match(String(await refusal(mistaken)), /left behind by a failover/);
  assert.equal(await sessionsOn(own.primary.ownerUrl), 1);
  await Promise.all([pool.end(), mistaken.end(), all.close()]);
  trusting.release();
  await unguarded.end();
});
