// Alerts fire by their real faults, reach the operator on call, and are over when the fault is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { hmacKey } from '../../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import { findAlertmanager } from '../../../scripts/ops/parts/alertmanager.ts';
import { findExporter } from '../../../scripts/ops/parts/exporters.ts';
import { findPrometheus } from '../../../scripts/ops/parts/prometheus.ts';
import { withKey } from '../../api.ts';
import { type Answer, grpcClient, type Json, restClient } from '../../api-client.ts';
import { withoutRedis } from '../../redis/own-redis.ts';
import { orSkipAll, withoutEdge } from '../../skip.ts';
import { until } from '../../until.ts';
import { NOTIFIED_WITHIN_MS } from './fast-alerts.ts';
import { deployedExpressions, missingNames } from './live-names.ts';
import { REPLICA_LIMIT_S, SPRINKLE_MS, startWatchedProduct, type WatchedProduct } from './watched-product.ts';

const tools = [
  orSkipAll(await findPrometheus(), 'Prometheus'),
  orSkipAll(await findAlertmanager(), 'Alertmanager'),
  orSkipAll(await findExporter('node'), 'the node exporter'),
  orSkipAll(await findExporter('redis'), 'the Redis exporter'),
  orSkipAll(await findExporter('postgres'), 'the Postgres exporter'),
];
const skip = tools.find(({ skip }) => skip)?.skip || withoutEdge || withoutRedis;

const ANNA = 9501;
const BO = 9502;
const ROOM = 'alerts';
const OF_BO = `(SELECT id FROM accounts WHERE owner_user_id = ${BO})`;
/** Its pace and its disks; no process of ours is wrong then. */
const OF_A_BUSY_MACHINE =
  /^Ppuri(?:Disk\w+|EventLoopLate|CallsSlow|LedgerWait|CommitsSlow|PoolExhausted|BreakerOpen|LimitsNotShared|ReplicaLag)$/;
/** Only root can mount the small disk of the log folder. */
const canMount = process.getuid?.() === 0;

let product: WatchedProduct;
let owner: pg.Client;
before(
  async () => {
    if (skip) return;
    product = await startWatchedProduct((logDir, owner) => {
      if (!canMount) return;
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', logDir]);
      owner.defer(() => void execFileSync('umount', ['-l', logDir]));
    });
    owner = new pg.Client({ connectionString: product.replica.primary.ownerUrl });
    await owner.connect();
    await product.people.addUsers([ANNA, BO]);
    await product.people.addRoom(ROOM, [ANNA, BO]);
    await product.people.fund([ANNA, BO], 1_000_000);
  },
  { timeout: 240_000 },
);
after(async () => {
  if (skip) return;
  await owner?.end();
  await product?.[Symbol.asyncDispose]();
});

/** Breaks something, waits for its alerts, repairs it, and waits until they are over. */
async function seen(
  alerts: readonly string[],
  broken: () => Promise<unknown>,
  repaired: () => Promise<unknown>,
  labels: Record<string, string> = {},
): Promise<void> {
  const since = product.notified.length;
  await broken();
  try {
    for (const alert of alerts) await product.told(alert, 'firing', since, labels);
  } finally {
    await repaired();
  }
  for (const alert of alerts) await product.told(alert, 'resolved', since, labels);
}

/** Does something again and again until it is told to stop. */
function repeating(work: () => Promise<unknown>, everyMs: number): () => Promise<void> {
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      await work();
      await sleep(everyMs);
    }
  })();
  return () => {
    isOver = true;
    return loop;
  };
}

async function ok(rpc: string, request: Json = {}, identity = {}): Promise<Answer> {
  const answer = await product.client.call(rpc, request, identity);
  assert.equal(answer.status, 0, `${rpc}: ${answer.reason}`);
  return answer;
}

const createSprinkle = (user: number) =>
  ok(
    'wallet.v1.SprinkleService/CreateSprinkle',
    { amount: 100, headcount: 2 },
    { ...withKey(user), roomId: ROOM },
  );

const faults: Readonly<Record<string, () => Promise<void>>> = {
  'a server is frozen': async () => {
    const [, second] = product.servers;
    await seen(
      ['PpuriServerDown'],
      async () => second.signal('SIGSTOP'),
      async () => second.signal('SIGCONT'),
      { instance: new URL(second.opsUrl).host },
    );
  },
  'the replica is late, and then gone': async () => {
    await seen(
      ['PpuriReplicaLag'],
      () => product.replica.delay(3 * REPLICA_LIMIT_S * 1000),
      () => product.replica.delay(0),
    );
    await seen(
      ['PpuriReplicaDetached'],
      () => product.replica.kill(),
      () => product.replica.restart(),
      { slot_name: 'ppuri_replica' },
    );
  },
  'a job fails for good': () =>
    seen(
      ['PpuriDeadLetters'],
      async () => {
        await createSprinkle(BO);
        // Its pot pays into itself: no rule of ours can make that, and the refund cannot be decided.
        await owner.query(
          `UPDATE sprinkles SET source_account_id = pot_account_id WHERE source_account_id = ${OF_BO}`,
        );
      },
      async () => {
        await owner.query(
          `UPDATE sprinkles SET source_account_id = ${OF_BO} WHERE source_account_id = pot_account_id`,
        );
        const { rows } = await owner.query<{ id: string }>('SELECT id FROM dead_letters');
        await ok('admin.v1.JobService/ReplayDeadLetters', { dead_letter_ids: rows.map(({ id }) => id) });
      },
    ),
  'a job is paused, and refunds are late': async () => {
    const since = product.notified.length;
    await createSprinkle(ANNA);
    await seen(
      ['PpuriWorkerStalled'],
      async () => {
        await ok('admin.v1.JobService/PauseJob', { job: 'expire-sprinkles' });
        // Five seconds are promised after its end.
        await sleep(SPRINKLE_MS + 6_000);
      },
      () => ok('admin.v1.JobService/ResumeJob', { job: 'expire-sprinkles' }),
    );
    await product.told('PpuriRefundsLate', 'firing', since);
    await product.told('PpuriRefundsLate', 'resolved', since);
  },
  'a key expires, and is used when it has ended': async () => {
    const key = await createKey(new Date(Date.now() + 7 * 86_400_000));
    const revoke = () => ok('admin.v1.ApiKeyService/RevokeApiKey', { key_id: key.keyId });
    await seen(['PpuriApiKeyExpiring'], async () => {}, revoke);
    const stop = callingWith(key, 1);
    await seen(['PpuriEndedKeyUsed'], async () => {}, stop);
  },
  'a session hangs that holds the transparency log': async () => {
    const hanging = new pg.Client({ connectionString: product.replica.primary.ownerUrl });
    await hanging.connect();
    await seen(
      ['PpuriCheckpointLate'],
      async () => {
        await hanging.query('BEGIN');
        await hanging.query('SELECT FROM transparency_log FOR UPDATE');
        await ok('wallet.v1.WalletService/Transfer', { to_user_id: BO, amount: 1 }, withKey(ANNA));
      },
      () => hanging.end(),
    );
  },
  'signatures are wrong': async () => {
    const stop = callingWith(hmacKey(product.key.keyId, 'of somebody else'), 10);
    await seen(['PpuriBadSignatures'], async () => {}, stop);
  },
  'the disk of the logs is full': async () => {
    if (!canMount) return console.error('!!! only root can fill the disk of the logs: this fault is SKIPPED');
    const filler = join(product.logDir, 'filler');
    const stop = repeating(
      () =>
        product.client.call('wallet.v1.WalletService/Transfer', { to_user_id: BO, amount: 1 }, withKey(ANNA)),
      100,
    );
    await seen(
      ['PpuriLogsNotWritten', 'PpuriDiskFull'],
      async () => {
        try {
          for (;;) writeFileSync(filler, Buffer.alloc(4096), { flag: 'a' });
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
        }
      },
      async () => rmSync(filler),
    ).finally(stop);
  },
};

/** A key that may read, until then. */
async function createKey(expiresAt: Date): Promise<SigningKey> {
  const { body } = await ok('admin.v1.ApiKeyService/CreateApiKey', {
    display_name: 'expires soon',
    kind: 'API_KEY_KIND_HMAC_SHA256',
    scopes: ['SCOPE_READ'],
    expires_at: expiresAt.toISOString(),
  });
  const { key_id } = body.api_key as Json;
  return hmacKey(String(key_id), String(body.secret));
}

/** Calls with a key again and again, each of them refused; returns how to stop. */
function callingWith(key: SigningKey, callsAtOnce: number): () => Promise<void> {
  const client = grpcClient(product.servers[0].address, key);
  const call = async () => {
    const answer = await client.call('wallet.v1.WalletService/GetBalance', {}, { userId: String(ANNA) });
    assert.equal(answer.reason, 'AUTHENTICATION_FAILED');
  };
  const stop = repeating(() => Promise.all(Array.from({ length: callsAtOnce }, call)), 100);
  return () => stop().finally(() => client.close());
}

test('each metric and label that rules and dashboards name is on a live page', {
  skip,
  timeout: 200_000,
}, async () => {
  await until('all targets are up', allAreUp, NOTIFIED_WITHIN_MS);
  await ok('admin.v1.JobService/RunJob', { job: 'reconcile-ledger' });
  const rest = restClient(product.edge.restUrl, product.key);
  for (let call = 0; call < 3; call++) {
    const identity = { userId: String(ANNA) };
    assert.equal((await rest.call('wallet.v1.WalletService/GetBalance', {}, identity)).status, 0);
    await ok('wallet.v1.WalletService/Transfer', { to_user_id: BO, amount: 1 }, withKey(ANNA));
    await ok('wallet.v1.WalletService/ListTransactions', {}, identity);
  }
  rest.close();
  const expressions = deployedExpressions();
  assert.ok(expressions.length > 150, `${expressions.length} expressions`);
  let missing: readonly string[] = [];
  const isComplete = async () => {
    missing = await missingNames(product.prometheus, expressions);
    return missing.length === 0;
  };
  await until('nothing is missing', isComplete, 20_000).catch(() => assert.deepEqual(missing, []));
  const wrong = [
    { where: 'a wrong name', expression: 'sum(ppuri_no_such_metric)' },
    { where: 'a wrong label', expression: 'up{no_such_label="a"}' },
    { where: 'a wrong group', expression: 'sum by (no_such_label) (up)' },
  ];
  assert.equal((await missingNames(product.prometheus, wrong)).length, wrong.length);
});

test('while nothing is wrong, nothing but the watchdog and what a busy machine explains goes on firing', {
  skip,
}, async () => {
  let names: readonly string[] = [];
  const isQuiet = async () => {
    const firing = await product.prometheus.query('ALERTS{alertstate="firing"}');
    names = firing
      .map(({ metric }) => metric.alertname ?? '')
      .filter((name) => !OF_A_BUSY_MACHINE.test(name));
    return names.join() === 'PpuriWatchdog';
  };
  // At twenty times the pace a start of seconds, or a late scrape, is an outage of a minute.
  await until('the rest is quiet', isQuiet, 30_000).catch(() => assert.deepEqual(names, ['PpuriWatchdog']));
});

test('faults that disturb nobody else fire their alerts, all at once, and the alerts resolve', {
  skip,
  timeout: 280_000,
}, async () => {
  await until('all targets are up', allAreUp, NOTIFIED_WITHIN_MS);
  const since = product.notified.length;
  await product.told('PpuriWatchdog', 'firing', 0);
  const results = await Promise.allSettled(Object.values(faults).map((fault) => fault()));
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [`${Object.keys(faults)[index]}: ${result.reason}`] : [],
  );
  assert.deepEqual(failed, []);
  for (const { labels, annotations, receiver } of product.notified.slice(since)) {
    assert.equal(receiver, labels.severity === 'none' ? '/heartbeat' : `/${labels.severity}`);
    assert.match(annotations.runbook_url ?? '', /^https:\/\/ppuri\.example\/docs\/runbooks\/[a-z-]+\.md$/);
  }
});

const allAreUp = async () =>
  (await product.prometheus.query('up == 0')).length === 0 &&
  (await product.prometheus.query('up')).length === 9;

test('without a worker, Redis and writes each alert fires, what they explain does not, and all resolve', {
  skip,
  timeout: 280_000,
}, async () => {
  const alerts = ['PpuriWorkerMissing', 'PpuriRedisDown', 'PpuriPostgresReadOnly'];
  const explained = ['PpuriPostgresUnavailable', 'PpuriBreakerOpen'];
  const since = product.notified.length;
  const setReadOnly = async (value: 'on' | 'off') => {
    await owner.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await owner.query('SELECT pg_reload_conf()');
  };
  const stop = repeating(
    () => product.client.call('wallet.v1.WalletService/GetBalance', {}, { userId: String(ANNA) }),
    50,
  );
  await seen(
    alerts,
    async () => {
      await product.stopWorker();
      product.redis.freeze();
      await setReadOnly('on');
    },
    async () => {
      for (const alert of explained) {
        const query = `ALERTS{alertname="${alert}", alertstate="firing"}`;
        await until(
          `${alert} fires`,
          async () => (await product.prometheus.query(query)).length > 0,
          NOTIFIED_WITHIN_MS,
        );
      }
      const names = product.notified.slice(since).map(({ labels }) => labels.alertname ?? '');
      assert.deepEqual(
        explained.filter((alert) => names.includes(alert)),
        [],
      );
      product.redis.thaw();
      await setReadOnly('off');
      await product.startWorker();
    },
  ).finally(stop);
});
