// Spans of calls, batches and statements, as a collector gets them from a server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { uniqueUsers } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { type OtlpSink, startOtlpSink } from './otlp-sink.ts';

let sink: OtlpSink;
let stack: Stack;
before(async () => {
  sink = await startOtlpSink();
  stack = await startStack({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_TRACES_SAMPLER_ARG: '1' },
  });
});
after(async () => {
  await stack.stop();
  await sink[Symbol.asyncDispose]();
});

test('a call has a span with its status and steps, its batch one below it, and the statements below that', async () => {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1000);
  const answer = await stack.as(anna).pay(bo, 5);
  assert.equal(answer.status, 0);
  const call = await sink.find(({ name }) => name === 'wallet.v1.WalletService/Transfer');
  assert.equal(call.service, 'ppuri-server');
  assert.equal(call.kind, 'server');
  assert.equal(call.parentSpanId, '');
  assert.equal(call.attributes['rpc.response.status_code'], 'OK');
  assert.deepEqual(
    call.events.slice(-4).map(({ name }) => name),
    ['authorize', 'validateRequest', 'persistNonce', 'handler'],
  );
  const batch = await sink.find(({ name, traceId }) => name === 'ledger.batch' && traceId === call.traceId);
  assert.equal(batch.parentSpanId, call.spanId);
  assert.deepEqual(batch.links, [{ traceId: call.traceId, spanId: call.spanId }]);
  const commit = await sink.find(
    ({ name, parentSpanId }) => name === 'COMMIT' && parentSpanId === batch.spanId,
  );
  assert.equal(commit.kind, 'client');
  // It is over once all of its calls are answered, a moment after the first of them.
  assert.ok(
    call.start <= batch.start && commit.end <= call.end,
    'the call begins before it, and ends after its commit',
  );
  assert.ok(batch.start <= commit.start && commit.end <= batch.end, 'the commit is within the batch');
});
