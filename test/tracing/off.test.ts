// Without a collector nothing of OpenTelemetry's SDK is loaded, and the trace of a client is in the logs all the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { uniqueUsers } from '../api.ts';
import { overGrpc } from '../auth/send.ts';
import { until } from '../until.ts';
import { newTraceparent, pay } from './paying.ts';

test('no module of the SDK of OpenTelemetry is loaded, and lines of the logs name the trace of the client', async () => {
  const loaded: string[] = [];
  registerHooks({
    resolve: (specifier, context, next) => {
      // The interfaces alone are loaded by prom-client, too.
      if (/^@opentelemetry\/(?!api$)/.test(specifier)) loaded.push(specifier);
      return next(specifier, context);
    },
  });
  // Not before: the hook has to see every import.
  const { startStack } = await import('../stack.ts');
  const stack = await startStack();
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1000);
  const grpc = overGrpc(stack.grpcAddress);
  const { traceId, traceparent } = newTraceparent();
  assert.equal(await pay(grpc, stack.key, [anna, bo], { traceparent }), 'OK');
  const log = join(stack.logDir, 'transactions.log');
  await until('the line', () => readFileSync(log, 'utf8').includes(traceId));
  const line = readFileSync(log, 'utf8')
    .split('\n')
    .find((text) => text.includes(traceId));
  assert.equal(JSON.parse(line ?? '')['trace.id'], traceId);
  await grpc.close();
  await stack.stop();
  assert.deepEqual(loaded, []);
});
