// Jobs of a worker continue the trace of the call that asked for them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, uniqueUsers, withKey, won } from '../api.ts';
import type { Json } from '../api-client.ts';
import { startWorkerProcess, type WorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { type Stack, startStack } from '../stack.ts';
import { type OtlpSink, startOtlpSink } from './otlp-sink.ts';

const options = { skip: withoutRedis };
let sink: OtlpSink;
let stack: Stack;
let redis: OwnRedis;
let worker: WorkerProcess;
before(async () => {
  if (withoutRedis) return;
  sink = await startOtlpSink();
  redis = await startOwnRedis();
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url };
  stack = await startStack({ env: { ...tracing, OTEL_TRACES_SAMPLER_ARG: '1' } });
  worker = await startWorkerProcess({
    ...workerEnv(stack.database, redis.url),
    ...tracing,
    // What this worker exports, a call has decided.
    OTEL_TRACES_SAMPLER_ARG: '0',
  });
});
after(async () => {
  if (withoutRedis) return;
  await worker.stop();
  await stack.stop();
  await redis.stop();
  await sink[Symbol.asyncDispose]();
});

test('the lines of a payout are paid in the trace of the call that started it', options, async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1000);
  const call = async (rpc: string, request: Json, identity = withKey(anna)) => {
    const answer = await stack.grpc.call(`wallet.v2.PayoutService/${rpc}`, request, identity);
    assert.equal(answer.status, 0, answer.reason);
    return answer.body.payout as Json;
  };
  const wallet_id = await stack.as(anna).defaultWallet();
  const { payout_id = '' } = await call('CreatePayout', { wallet_id, mode: 'PAYOUT_MODE_EACH' });
  const lines = [1, 2, 3].map((line) => ({ user_id: String(bo), amount: won(line), key: String(line) }));
  await call('AddPayoutLines', { payout_id, first_line: 1, lines }, actingAs(anna));
  await call('StartPayout', { payout_id, line_count: lines.length });
  const start = await sink.find(({ name }) => name === 'wallet.v2.PayoutService/StartPayout');
  const job = await sink.find(({ name }) => name === 'process run-payout');
  assert.deepEqual([job.service, job.kind, job.traceId], ['ppuri-worker', 'consumer', start.traceId]);
  assert.equal(job.parentSpanId, start.spanId);
  const batches = () =>
    sink.spans.filter(({ name, parentSpanId }) => name === 'ledger.batch' && parentSpanId === job.spanId);
  // One pays the lines, one ends the payout.
  await sink.find(() => batches().length === 2);
  const { rows } = await stack.db.query('SELECT data FROM outbox WHERE data::jsonb ? $1', ['traceparent']);
  assert.deepEqual(rows, [], 'the row of the outbox is done');
  assert.deepEqual(
    sink.spans.filter(({ service, traceId }) => service === 'ppuri-worker' && traceId !== start.traceId),
    [],
    'the worker samples nothing by itself',
  );
});
