// Redis under Sentinel: the master is killed, and the next one hangs and comes back when it is no master any more. Callers go
// on paying and reading, limits go on limiting, and jobs are done once.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import type pg from 'pg';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import {
  type RedisNode,
  type SentinelGroup,
  startSentinelGroup,
} from '../../../scripts/ops/parts/sentinel.ts';
import { createRedisConnection } from '../../../src/redis/index.ts';
import { actingAs } from '../../api.ts';
import { grpcClient } from '../../api-client.ts';
import { makeAuthority } from '../../certificates.ts';
import { type FaultContext, startFaultHarness } from '../../faults/fault-harness.ts';
import { makeKey } from '../../keys.ts';
import { startWorkerProcess, workerEnv } from '../../processes.ts';
import { makeDatabase, ownerPool, serverEnv, type TestDatabase } from '../../stack.ts';
import { until } from '../../until.ts';
import { linesPaid, openPayoutLedger } from '../../worker/payouts.ts';
import { untilAllRefunded, untilOutboxIsEmpty } from '../../worker/refunds.ts';
import { openSprinkleLedger } from '../../worker/sprinkles.ts';

/** Lines of each payout and sprinkles of each round; there are two rounds. */
const [LINES, SPRINKLES] = [200, 20];
const SPRINKLE_LIFETIME_MS = 500;
/** Callers are answered again after this long, in milliseconds. It was 0.5 to 0.9 s on a busy machine. */
const ANSWERED_WITHIN_MS = 10_000;
/** Long after Sentinel has told: until it makes the old master a replica, that one takes writes. */
const LEFT_WITHIN_MS = 5_000;
const ANNOUNCED_WITHIN_MS = 10_000;
const RATE = 2;
const KEYS = join(import.meta.dirname, '..', '..', '..', 'scripts', 'keys.ts');
const JOBS_WITHIN_MS = 60_000;

/** Waits until entries are trusted that this server holds, and no other. */
async function untilTrusted(db: pg.Pool, node: RedisNode): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await node.redis.info('server'))?.[1];
  await until('entries of the new master are trusted', async () => {
    const { rows } = await db.query(
      `SELECT FROM cache_epochs WHERE redis_run_id LIKE $1 || ':%' AND usable_from < clock_timestamp()`,
      [runId],
    );
    return rows.length === 1;
  });
}

/** Calls as fast as it can with a key of a low rate, in turns through both servers; how many were let through and how many refused. */
async function hammer(key: SigningKey, addresses: readonly string[], until: Promise<void>) {
  const clients = addresses.map((address) => grpcClient(address, key));
  const startedAt = performance.now();
  let isOver = false;
  void until.finally(() => {
    isOver = true;
  });
  const count = { accepted: 0, limited: 0, seconds: 0 };
  while (!isOver) {
    for (const client of clients) {
      const answer = await client
        .call('wallet.v1.WalletService/GetBalance', {}, actingAs(8301))
        .catch(() => undefined);
      if (answer?.status === 0) count.accepted += 1;
      if (answer?.reason === 'RATE_LIMITED') count.limited += 1;
    }
    await sleep(10);
  }
  for (const client of clients) client.close();
  return { ...count, seconds: (performance.now() - startedAt) / 1000 };
}

/** The two failovers; `work` makes jobs as soon as there is no master. */
async function failOverTwice(group: SentinelGroup, db: pg.Pool, work: () => Promise<void>): Promise<void> {
  const killed = await group.killMaster();
  await work();
  const second = await group.untilReplaced(killed);
  await untilTrusted(db, second);
  await group.untilReplicasInSync();
  await group.freezeMaster();
  await work();
  const third = await group.untilReplaced(second);
  await untilTrusted(db, third);
  second.signal('SIGCONT');
  const roleOf = async () => String((await second.redis.role())[0]);
  await until('the old master answers', () => roleOf().catch(() => undefined));
  // Sentinel waits for about ten seconds until it makes a replica of it.
  await until(
    'the connections of servers have left the old master',
    // One is the test's own; those of jobs have longer names.
    async () => String(await second.redis.client('LIST')).split('name=ppuri ').length === 2,
    LEFT_WITHIN_MS,
  );
  await until('the old master is a replica', async () => (await roleOf().catch(() => '')) === 'slave');
  await untilTrusted(db, third);
}

/** Revokes a key by `npm run keys`, which announces it over the new master: otherwise servers notice within 30 s. */
async function assertAnnounced(
  key: SigningKey,
  database: TestDatabase,
  addresses: readonly string[],
  env: SentinelGroup['env'],
) {
  const clients = addresses.map((address) => grpcClient(address, key));
  const reasons = () =>
    Promise.all(
      clients.map(
        async (client) =>
          (await client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(8301))).reason,
      ),
    );
  assert.deepEqual(await reasons(), ['', '']);
  const { KEY_ENCRYPTION_KEYS = '', ...rest } = serverEnv(database, '');
  const admin = { ADMIN_DATABASE_URL: rest.ADMIN_DATABASE_URL, KEY_ENCRYPTION_KEYS, PATH: process.env.PATH };
  await promisify(execFile)(process.execPath, [KEYS, 'revoke', key.keyId], { env: { ...admin, ...env } });
  await until(
    'every server knows that it is revoked',
    async () => (await reasons()).every((reason) => reason === 'AUTHENTICATION_FAILED'),
    ANNOUNCED_WITHIN_MS,
  );
  for (const client of clients) client.close();
}

/** The longest time in which nobody was answered, in milliseconds. */
function longestGapMs({ answers }: FaultContext, from: number): number {
  const times = answers.filter(({ isAccepted }) => isAccepted).map(({ at, tookMs }) => at + tookMs);
  const during = [from, ...times.filter((time) => time > from).sort((a, b) => a - b)];
  return Math.max(...during.slice(1).map((time, index) => time - (during[index] ?? time)));
}

test('callers go on while Sentinel replaces a dead master, and one that hangs', {
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-sentinel-'));
  const [database, group] = await Promise.all([makeDatabase(), startSentinelGroup({ folder })]);
  const { REDIS_URL, REDIS_SENTINELS } = group.env;
  const worker = await startWorkerProcess({ ...workerEnv(database, REDIS_URL), REDIS_SENTINELS });
  const db = ownerPool(database);
  const sprinkles = await openSprinkleLedger(database);
  const payouts = await openPayoutLedger(database, db, 4);
  // Servers read all keys when they start.
  const [slowKey, doomedKey] = [await makeKey(database, { ratePerSecond: RATE }), await makeKey(database)];
  const servers = await startFaultHarness(database, REDIS_URL, { REDIS_SENTINELS });
  const makeJobs = async () => {
    await sprinkles.make(SPRINKLES, SPRINKLE_LIFETIME_MS);
    await payouts.start(LINES, 3);
  };
  try {
    await servers.underTraffic('the master of Redis is lost twice', async (context) => {
      const startedAt = Date.now();
      const over = Promise.withResolvers<void>();
      const hammering = hammer(slowKey, context.addresses, over.promise);
      await failOverTwice(group, context.db, makeJobs).finally(() => over.resolve());
      const { accepted, limited, seconds } = await hammering;
      const gap = longestGapMs(context, startedAt);
      console.log(
        `nobody was answered for ${gap.toFixed(0)} ms at most; ${accepted} of ${accepted + limited} calls of a key with ` +
          `${RATE} calls/s in ${seconds.toFixed(0)} s`,
      );
      assert.ok(gap < ANSWERED_WITHIN_MS, `${gap} ms`);
      // Each of two processes may let through a burst of its own in each failover, and the rate by itself.
      assert.ok(accepted <= 2 * RATE * (seconds + 6), `${accepted} calls in ${seconds} s`);
      assert.ok(limited > 0, `none of ${accepted} calls was refused`);
      await assertAnnounced(doomedKey, database, context.addresses, group.env);
    });
    await untilOutboxIsEmpty(db, JOBS_WITHIN_MS);
    await untilAllRefunded(db, JOBS_WITHIN_MS);
    const refunds = await db.query(`SELECT count(*)::int AS count FROM transfers WHERE kind = 'refund'`);
    assert.equal(refunds.rows[0]?.count, 2 * SPRINKLES);
    const { rows } = await db.query(
      `SELECT count(*)::int AS paid, count(DISTINCT id)::int AS ids FROM transfers WHERE kind = 'payout_line'`,
    );
    assert.deepEqual(rows, [{ paid: 2 * LINES, ids: 2 * LINES }]);
    assert.deepEqual(await linesPaid(db, LINES), { once: 0, doubled: LINES, never: 0 });
  } finally {
    await Promise.all([servers.stop(), worker.stop(), sprinkles.close(), payouts.close(), db.end()]);
    await group[Symbol.asyncDispose]();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('over TLS a connection finds the master, trusts no stranger, and follows when it is dead', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-sentinel-tls-'));
  const authority = makeAuthority(folder, 'authority');
  const tls = { caFile: authority.caFile, ...authority.issue('redis.test') };
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, readFileSync(tls.caFile, 'utf8')]);
  const group = await startSentinelGroup({ folder, tls });
  const sentinels = group.env.REDIS_SENTINELS.split(',').map((each) => {
    const { hostname: host, port } = new URL(`redis://${each}`);
    return { host, port: Number(port) };
  });
  const redis = createRedisConnection({ url: group.env.REDIS_URL, sentinels, onError: () => {} });
  try {
    await until('the master is found', () => redis.set('a', '1').catch(() => false));
    const old = await group.killMaster();
    await group.untilReplaced(old);
    await until('the next master is followed', () => redis.set('a', '2').catch(() => false));
    setDefaultCACertificates(trusted);
    const errors: string[] = [];
    const stranger = createRedisConnection({
      url: group.env.REDIS_URL,
      sentinels,
      onError: (error) => errors.push(String(error)),
    });
    // ioredis does not tell the reason.
    await until('a stranger trusts no Sentinel', () => /All sentinels are unreachable/.test(errors.join()));
    assert.notEqual(stranger.status, 'ready');
    stranger.disconnect();
  } finally {
    setDefaultCACertificates(trusted);
    redis.disconnect();
    await group[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
});
