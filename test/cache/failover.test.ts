// Redis fails over to a replica that lacks the last tombstones, fails back, or is emptied in the middle of a commit: no process
// trusts what was cached before.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Store } from '../../src/cache/store.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { Redis } from '../../src/redis/connection.ts';
import { connectTo } from '../admission/callers.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, peopleOf } from '../stack.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';
import { type CachedLedger, startCachedLedger } from './cached-ledger.ts';

const [ANNA, BO] = [8251, 8252];
const START = 1_000;
const READS = 20;
const ATTEMPTS = 5;
/** An entry from before is shown at once, or not at all. */
const SHOWN_WITHIN_MS = 10_000;

const portOf = ({ url }: OwnRedis) => Number(new URL(url).port);

/** Two processes over a database and two servers of Redis, of which they reach the first one through a proxy. */
interface Context {
  readonly writer: CachedLedger;
  readonly reader: CachedLedger;
  readonly proxy: TcpProxy;
  readonly master: Redis;
  readonly replica: Redis;
  readonly ports: { readonly master: number; readonly replica: number };
  /** From now on new entries never arrive, as when the process dies after the commit. */
  dieAfterCommit(): void;
}

const untilTrusted = ({ writer, reader }: Context) =>
  until('entries are trusted', () => [writer, reader].every(({ lease }) => lease.current() !== undefined));

/** Makes a server the replica of another, and waits until it has everything. */
async function follow(replica: Redis, port: number): Promise<void> {
  await replica.replicaof('127.0.0.1', port);
  await until('the replica is in sync', async () =>
    (await replica.info('replication')).includes('master_link_status:up'),
  );
}

/** Lets the work begin with a balance of 1,000 in the cache of both servers. */
async function withReplica(
  work: (context: Context) => Promise<void>,
  replaceStore: (real: Store) => Partial<Store> = () => ({}),
): Promise<void> {
  const [first, second, database] = await Promise.all([startOwnRedis(), startOwnRedis(), makeDatabase()]);
  const proxy = await startTcpProxy(portOf(first));
  const [master, replica] = await Promise.all([connectTo(first.url), connectTo(second.url)]);
  await peopleOf(database).addUsers([ANNA, BO]);
  let isDead = false;
  const store = (real: Store): Store => ({
    ...real,
    ...replaceStore(real),
    replaceTombstones: (all) => (isDead ? new Promise(() => {}) : real.replaceTombstones(all)),
  });
  const url = `redis://127.0.0.1:${proxy.port}`;
  // A first replica makes another run of Redis: it is there before there are entries.
  await follow(replica, portOf(first));
  const servers = await Promise.all([
    startCachedLedger(database, url, { store }),
    startCachedLedger(database, url, { store }),
  ]);
  const [writer, reader] = servers;
  const context: Context = {
    ...{ writer, reader, proxy, master, replica },
    ports: { master: portOf(first), replica: portOf(second) },
    dieAfterCommit: () => {
      isDead = true;
    },
  };
  try {
    await writer.deposit(ANNA, START);
    await untilTrusted(context);
    await until('the balance is read from the cache', async () => {
      assert.equal(await reader.balance(ANNA), START);
      return reader.lastResult() === 'hit';
    });
    assert.equal(await master.wait(1, 10_000), 1);
    await work(context);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    proxy.close();
    for (const connection of [master, replica]) connection.disconnect();
    await Promise.all([first.stop(), second.stop()]);
    await database.drop();
  }
}

/** Pays while the replica already is on its own, so that only the master has the tombstone; and then the replica takes over. */
async function failOver(context: Context): Promise<number> {
  const { writer, proxy, replica, ports } = context;
  await replica.replicaof('NO', 'ONE');
  context.dieAfterCommit();
  const answered = await writer.pay(ANNA, BO, 1);
  proxy.redirect(ports.replica);
  return answered;
}

/** The same, and the old master takes over the replica's data and is the master again before any process was connected elsewhere. */
async function failBack(context: Context): Promise<number> {
  const { writer, master, replica, ports } = context;
  await replica.replicaof('NO', 'ONE');
  context.dieAfterCommit();
  const answered = await writer.pay(ANNA, BO, 1);
  await follow(master, ports.replica);
  await master.replicaof('NO', 'ONE');
  return answered;
}

/** Redis is emptied between the tombstones of a payment and its commit, and somebody reads in between. */
async function emptyWhileCommitting(
  { writer, reader, master, ...context }: Pick<Context, 'writer' | 'reader' | 'master' | 'dieAfterCommit'>,
  empty: (redis: Redis) => Promise<unknown>,
  inBetween: () => Promise<unknown>,
): Promise<number> {
  context.dieAfterCommit();
  writer.whileCommitting(async () => {
    await empty(master);
    assert.equal(await reader.balance(ANNA), START);
    await inBetween();
  });
  return writer.pay(ANNA, BO, 1);
}

/** Reads again and again, also once entries are trusted again. */
async function assertShown(context: Context, answered: number): Promise<void> {
  for (let index = 0; index < READS; index++) assert.equal(await context.reader.balance(ANNA), answered);
  await untilTrusted(context);
  for (let index = 0; index < READS; index++) assert.equal(await context.reader.balance(ANNA), answered);
}

async function assertStale(context: Context): Promise<void> {
  const isShown = async () => {
    const balance = await context.reader.balance(ANNA);
    return balance === START && context.reader.lastResult() === 'hit';
  };
  await until('the entry from before is shown', isShown, SHOWN_WITHIN_MS);
}

/** Does it again, on a new pair of Redis, where it failed with an error that says nothing here. */
async function again(
  isNoMatter: (error: unknown) => boolean,
  ...run: Parameters<typeof withReplica>
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withReplica(...run);
    } catch (error) {
      if (attempt === ATTEMPTS || !isNoMatter(error)) throw error;
    }
  }
}

/** On a busy machine a payment may be refused, because somebody takes longer than Postgres lets a transaction wait. */
const shows = (...run: Parameters<typeof withReplica>) =>
  again((error) => error instanceof Refusal && error.reason === 'UNAVAILABLE', ...run);

/** A control has to see its fault once. A process that loses its lease meanwhile trusts nothing from before. */
const seesOnce = (...run: Parameters<typeof withReplica>) => again(() => true, ...run);

describe('the cache over a failover of Redis', { concurrency: true, skip: withoutRedis }, () => {
  test('a replica takes over that lacks a tombstone: what was answered shows', () =>
    shows(async (context) => assertShown(context, await failOver(context))));

  test('negative control: taken for the same run, the replica shows the balance from before', () =>
    seesOnce(
      async (context) => {
        await failOver(context);
        await assertStale(context);
      },
      (real) => ({ runId: () => real.runId() && 'always the same' }),
    ));

  test('the old master comes back with the data of the replica: what was answered shows', () =>
    shows(async (context) => assertShown(context, await failBack(context))));

  test('negative control: known by its process alone, the old master shows the balance from before', () =>
    seesOnce(
      async (context) => {
        await failBack(context);
        await assertStale(context);
      },
      (real) => ({ runId: () => real.runId()?.split(':')[0] }),
    ));

  test('Redis is emptied within a commit: what was answered shows', () =>
    shows(async (context) => {
      const empty = (redis: Redis) => redis.flushall();
      await assertShown(context, await emptyWhileCommitting(context, empty, async () => {}));
    }));

  test('negative control: with its mark, an emptied Redis shows the balance from before', () =>
    seesOnce(async (context) => {
      const { reader } = context;
      const empty = async (redis: Redis) => {
        const mark = (await redis.get('ppuri:cache:run')) ?? '';
        await redis.multi().flushall().set('ppuri:cache:run', mark).exec();
      };
      const untilFilledIn = () =>
        until('a reader has filled it in', async () => {
          await reader.balance(ANNA);
          return reader.lastResult() === 'hit';
        });
      await emptyWhileCommitting(context, empty, untilFilledIn);
      await assertStale(context);
    }));
});
