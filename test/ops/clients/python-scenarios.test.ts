// The Python client makes every scenario of clients/scenarios, over gRPC and REST, against servers that are killed on the way.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { withoutRedis } from '../../redis/own-redis.ts';
import { withoutEdge } from '../../skip.ts';
import { clientPython, installPythonClient } from './python-client.ts';
import { startScenarioProduct } from './scenario-product.ts';

test('Python makes every scenario', {
  skip: clientPython.skip || withoutEdge || withoutRedis,
}, async (t) => {
  const [client, product] = await Promise.all([installPythonClient(), startScenarioProduct()]);
  t.after(() => client.remove());
  const program = join(import.meta.dirname, 'python', 'scenarios.py');
  const output = await client.run([program], product.env).finally(() => product.stop());
  assert.match(output, /^ok .* over grpc$/m);
  assert.match(output, /^ok .* over rest$/m);
});
