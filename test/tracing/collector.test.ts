// A collector that hangs, refuses or is away costs spans, which are counted, and nothing else.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { findFree } from '../../scripts/dev/ports.ts';
import { uniqueUsers } from '../api.ts';
import { readMetrics, sumOf } from '../runtime/ops-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { startOtlpSink } from './otlp-sink.ts';

/** More than this many spans never wait (MAX_QUEUE), or are under way. */
const QUEUE = 4_096;

async function traced(
  t: TestContext,
  url: string,
  timeoutMs: number,
): Promise<{ stack: Stack; anna: number; bo: number }> {
  const stack = await startStack({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_TIMEOUT: String(timeoutMs),
      OTEL_TRACES_SAMPLER_ARG: '1',
    },
  });
  t.after(() => stack.stop());
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1_000_000);
  return { stack, anna, bo };
}

const dropped = async ({ app }: Stack, reason: string) =>
  sumOf(await readMetrics(`http://127.0.0.1:${app.opsPort}`), 'ppuri_trace_spans_dropped_total', { reason });

test('spans that nobody takes are counted, the queue is bounded, and stopping does not wait', async (t) => {
  const sink = await startOtlpSink(() => {
    // Never answers.
  });
  t.after(() => sink[Symbol.asyncDispose]());
  const { stack, anna, bo } = await traced(t, sink.url, 60_000);
  const pay = async () => assert.equal((await stack.as(anna).pay(bo, 1)).status, 0);
  // A payment has three spans of its own and more; the batches have those of their statements.
  for (let sent = 0; (await dropped(stack, 'queue_full')) === 0; sent += 100) {
    assert.ok(sent < QUEUE, 'the queue is full by now');
    await Promise.all(Array.from({ length: 100 }, pay));
  }
  const stoppedAt = performance.now();
  await stack.app.stop();
  const tookMs = performance.now() - stoppedAt;
  // It closes for a second at most; the rest is for what stopping does besides.
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
});

test('a collector that refuses, or is away, is not asked for ever about the same spans', async (t) => {
  const sink = await startOtlpSink((_request, response) => response.writeHead(400).end());
  t.after(() => sink[Symbol.asyncDispose]());
  const { stack, anna, bo } = await traced(t, sink.url, 1_000);
  assert.equal((await stack.as(anna).pay(bo, 1)).status, 0);
  await until('an export failed', async () => (await dropped(stack, 'export_failed')) > 0);
  const [port = 0] = await findFree(1);
  const away = await traced(t, `http://127.0.0.1:${port}`, 1_000);
  assert.equal((await away.stack.as(away.anna).pay(away.bo, 1)).status, 0);
  await until('an export failed', async () => (await dropped(away.stack, 'export_failed')) > 0);
});
