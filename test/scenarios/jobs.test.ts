// Jobs as operators manage them: shown, run, paused, their dead letters replayed, and the board of queues behind its key.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import { createWorkerProgram, type WorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { closeQueues } from '../../src/worker/queue/queues.ts';
import { grpcClient, type Json } from '../api-client.ts';
import { workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { openQueues } from '../worker/open-queues.ts';

const OPS_KEY = 'a key that only ops have';
let stack: Stack;
let redis: OwnRedis;
let worker: WorkerProgram;
before(async () => {
  if (withoutRedis) return;
  redis = await startOwnRedis();
  stack = await startStack();
  const env = workerEnv(stack.database, redis.url);
  worker = await createWorkerProgram(readWorkerConfig({ ...env, OPS_KEY, LOG_STDOUT: 'none' }));
});
after(async () => {
  if (withoutRedis) return;
  await worker.stop();
  await stack.stop();
  await redis.stop();
});

const jobs = async () => (await stack.grpc.call('admin.v1.JobService/ListJobs', {})).list('jobs');
/** A job once it is so. */
const untilJob = (name: string, isSo: (job: Json) => boolean): Promise<Json> =>
  until(`${name} is as awaited`, async () => (await jobs()).find((job) => job.name === name && isSo(job)));

test('a job is run now, and how it went is shown', { skip: withoutRedis }, async () => {
  assert.equal((await stack.grpc.call('admin.v1.JobService/RunJob', { job: 'reconcile-ledger' })).status, 0);
  const job = await untilJob('reconcile-ledger', ({ runs }) => runs === '1');
  assert.equal(job.last_error, '');
  assert.equal(JSON.parse(String(job.last_result)).faults, 0);
  await untilJob('reconcile-ledger', ({ waiting }) => waiting === '0');
});

test('a paused job waits, and runs once it is resumed', { skip: withoutRedis }, async (t) => {
  const queues = await openQueues(redis);
  t.after(() => closeQueues(queues));
  const queue = queues['partitions-ahead'];
  const request = { job: 'partitions-ahead' };
  await stack.grpc.call('admin.v1.JobService/PauseJob', request);
  await until('the queue is paused', () => queue.isPaused());
  await stack.grpc.call('admin.v1.JobService/RunJob', request);
  await until('the job is in the queue', async () => (await queue.getWaitingCount()) === 1);
  const waiting = await untilJob('partitions-ahead', ({ paused_at }) => paused_at !== null);
  assert.deepEqual([waiting.runs, waiting.waiting], ['0', '1']);
  await stack.grpc.call('admin.v1.JobService/ResumeJob', request);
  await untilJob('partitions-ahead', ({ runs }) => runs === '1');
});

test('dead letters are listed, and replayed once each', { skip: withoutRedis }, async () => {
  await stack.db.query(
    `INSERT INTO dead_letters (job, queue_id, data, error, attempts)
     VALUES ('refund-sprinkle', 'x', '{"sprinkleId":"${crypto.randomUUID()}"}', 'it was so', 8)`,
  );
  const listed = await stack.grpc.call('admin.v1.JobService/ListDeadLetters', { job: 'refund-sprinkle' });
  const [letter] = listed.list('dead_letters');
  assert.deepEqual([letter?.job, letter?.error, letter?.attempts], ['refund-sprinkle', 'it was so', 8]);
  const dead_letter_ids = [String(letter?.dead_letter_id)];
  const replay = () => stack.grpc.call('admin.v1.JobService/ReplayDeadLetters', { dead_letter_ids });
  assert.equal((await replay()).body.replayed, 1);
  assert.equal((await replay()).body.replayed, 0);
  const job = await untilJob('refund-sprinkle', ({ runs }) => runs === '1');
  assert.deepEqual([job.dead_letters, JSON.parse(String(job.last_result))], ['0', { found: false }]);
});

test('jobs that are none are refused, and so are keys without the scope', {
  skip: withoutRedis,
}, async () => {
  for (const method of ['RunJob', 'PauseJob', 'ResumeJob', 'ListDeadLetters']) {
    const refused = await stack.grpc.call(`admin.v1.JobService/${method}`, { job: 'make-tea' });
    assert.deepEqual([refused.code, refused.reason, refused.fields], ['ERR005', 'JOB_NOT_FOUND', ['job']]);
  }
  const refused = await stack.grpc.call('admin.v1.JobService/RunJob', { job: 'refund-sprinkle' });
  assert.equal(refused.reason, 'JOB_NOT_FOUND');
  const wish = {
    display_name: 'no admin',
    kind: 'API_KEY_KIND_HMAC_SHA256',
    scopes: ['SCOPE_READ', 'SCOPE_PAY'],
  };
  const made = await stack.grpc.call('admin.v1.ApiKeyService/CreateApiKey', wish);
  const key = hmacKey(String(made.at('api_key', 'key_id')), String(made.body.secret));
  const client = grpcClient(stack.grpcAddress, key);
  assert.equal((await client.call('admin.v1.JobService/ListJobs', {})).reason, 'MISSING_SCOPE');
  client.close();
});

test('a worker without Redis says so, and is ready again once Redis is back', {
  skip: withoutRedis,
}, async () => {
  const ready = async () => {
    const answer = await fetch(`http://127.0.0.1:${worker.opsPort}/readyz`);
    const { away = [] } = (await answer.json()) as { away?: { dependency: string }[] };
    return `${answer.status} ${away.map(({ dependency }) => dependency)}`;
  };
  await until('it is ready', async () => (await ready()) === '200 ');
  await redis.kill();
  assert.equal(await ready(), '503 redis');
  await redis.restart();
  await until('it is ready again', async () => (await ready()) === '200 ');
});

test('the worker shows how its jobs go', { skip: withoutRedis }, async () => {
  const { runs = '0' } = (await jobs()).find(({ name }) => name === 'reconcile-ledger') ?? {};
  await stack.grpc.call('admin.v1.JobService/RunJob', { job: 'reconcile-ledger' });
  await untilJob('reconcile-ledger', (job) => Number(job.runs) > Number(runs));
  const page = await (await fetch(`http://127.0.0.1:${worker.opsPort}/metrics`)).text();
  assert.match(page, /ppuri_job_seconds_count\{job_name="[a-z-]+",outcome="done"\} [1-9]/);
  assert.match(page, /ppuri_dead_letters \d/);
});

test('the board opens to the ops key alone', { skip: withoutRedis }, async () => {
  const at = (path: string, password?: string) =>
    fetch(`http://127.0.0.1:${worker.opsPort}${path}`, {
      headers: password
        ? { authorization: `Basic ${Buffer.from(`ops:${password}`).toString('base64')}` }
        : {},
    });
  assert.equal((await at('/queues')).status, 401);
  assert.equal((await at('/queues/api/queues', 'a guess')).status, 401);
  const page = await at('/queues', OPS_KEY);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<base href="\/queues\//);
  const queues = (await (await at('/queues/api/queues', OPS_KEY)).json()) as { queues: { name: string }[] };
  assert.ok(queues.queues.some(({ name }) => name === 'expire-sprinkles'));
  assert.equal((await at('/readyz')).status, 200);
});
