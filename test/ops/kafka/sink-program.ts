// Seals the feed and sends it to Kafka as a process of its own, which a test kills.
import { runProgram } from '../../../src/runtime/run.ts';
import { readWorkerConfig } from '../../../src/worker/config.ts';
import { createEventSource, createSealer } from '../../../src/worker/feed/index.ts';
import { createKafkaSink } from '../../../src/worker/kafka/sink.ts';
import { createTarget } from '../../../src/worker/kafka/target.ts';
import type { EventTopic, KafkaTimes } from '../../../src/worker/kafka/tools.ts';
import { createTestPool } from '../../test-pool.ts';

/** A topic of a worker that died is taken by another one within a second. */
const TIMES: KafkaTimes = { pollMs: 10, leaseMs: 1_000, retryMs: [50, 200] };

/** The negative control: it answers before the brokers do. */
function hasty(target: EventTopic): EventTopic {
  return {
    send: async (messages) => void target.send(messages).catch(() => {}),
    sendToAll: (message) => target.sendToAll(message),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}

await runProgram(process.env, async () => {
  const { databaseUrl, kafka } = readWorkerConfig(process.env);
  const stack = new AsyncDisposableStack();
  const pool = createTestPool(databaseUrl);
  stack.defer(() => pool.end());
  const ignore = () => {};
  const feed = createEventSource({ reads: pool, archive: undefined, onMissingTransfers: ignore });
  stack.use(createSealer({ pool, observer: { trouble: ignore } }));
  const target = await createTarget(kafka);
  stack.use(
    createKafkaSink({
      ...{ pool, feed, topic: kafka.topic, times: TIMES },
      target: process.env.IS_HASTY === 'true' ? hasty(target) : target,
      observer: { sent: ignore, failed: ignore, told: ignore },
    }),
  );
  const stop = async () => {
    await stack.disposeAsync();
    return true;
  };
  return { stop, stopsWithinMs: 10_000 };
});
