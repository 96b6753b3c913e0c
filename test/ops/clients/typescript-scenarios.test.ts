// The TypeScript client makes every scenario of clients/scenarios, over gRPC and REST, against servers that are killed on the way.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installPackage } from '../../clients/installed-package.ts';
import { withoutRedis } from '../../redis/own-redis.ts';
import { withoutEdge } from '../../skip.ts';
import { startScenarioProduct } from './scenario-product.ts';

test('TypeScript makes every scenario', { skip: withoutEdge || withoutRedis }, async (t) => {
  const project = await installPackage(['yaml']);
  t.after(() => project.remove());
  const runner = 'scenarios.mjs';
  copyFileSync(join(import.meta.dirname, 'typescript', runner), join(project.folder, runner));
  const product = await startScenarioProduct();
  const output = await project.run(runner, product.env).finally(() => product.stop());
  assert.match(output, /^ok .* over grpc$/m);
  assert.match(output, /^ok .* over rest$/m);
});
