// Sends to webhooks as a process of its own, which a test kills or measures.
import { RETRIES } from '../../src/domain/webhook.ts';
import { runProgram } from '../../src/runtime/run.ts';
import { WEBHOOK_TIMES } from '../../src/worker/webhooks/runner.ts';
import { type DeliverySettings, startDeliveries } from './deliveries.ts';

/** A request that hangs costs a test this long. */
const SHORT: DeliverySettings = { timeoutMs: 300 };
const PRODUCTION: DeliverySettings = { times: WEBHOOK_TIMES, retries: RETRIES, timeoutMs: 10_000 };

await runProgram(process.env, async () => {
  const deliveries = startDeliveries(
    { workerUrl: process.env.DATABASE_URL ?? '' },
    process.env.DELIVERY_TIMES === 'production' ? PRODUCTION : SHORT,
  );
  const stop = async () => {
    await deliveries[Symbol.asyncDispose]();
    return true;
  };
  return { stop, stopsWithinMs: 10_000 };
});
