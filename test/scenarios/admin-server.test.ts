// Which server offers admin.v1: only one that was given a login of its own for it, and that is none behind the public edge.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { type ApiClient, grpcClient } from '../api-client.ts';
import { healthClient } from '../runtime/ops-client.ts';
import { type Stack, serverEnv, startStack } from '../stack.ts';

let stack: Stack;
let publicApp: ServerProgram;
let publicServer: ApiClient;

before(async () => {
  stack = await startStack();
  const { ADMIN_DATABASE_URL: _, ...env } = serverEnv(stack.database, stack.logDir);
  publicApp = await createServerProgram(readServerConfig(env));
  publicServer = grpcClient(`127.0.0.1:${publicApp.grpcPort}`, stack.key);
});
after(async () => {
  publicServer.close();
  await publicApp.stop();
  await stack.stop();
});

test('without the login, its methods are unknown, like every other that there is not', async () => {
  for (const method of [
    'ApiKeyService/ListApiKeys',
    'JobService/ListJobs',
    'StatisticsService/ListMeasures',
  ]) {
    const answer = await publicServer.call(`admin.v1.${method}`, {});
    assert.deepEqual(
      [answer.status, answer.code, answer.reason],
      [status.UNIMPLEMENTED, 'ERR005', 'METHOD_NOT_FOUND'],
    );
    assert.equal(
      (await stack.grpc.call(`admin.v1.${method}`, {})).status,
      status.OK,
      'with it they are there',
    );
  }
});

test('without the login, health knows of no service of its', async () => {
  const health = healthClient(`127.0.0.1:${publicApp.grpcPort}`);
  try {
    assert.equal(await health.check('wallet.v2.WalletService'), 'SERVING');
    await assert.rejects(health.check('admin.v1.ApiKeyService'));
  } finally {
    health.close();
  }
});
