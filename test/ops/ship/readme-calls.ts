// The calls of the README's 'Try it', made at an edge that `npm start` has not started.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEMO_ROOM, DEMO_USERS, writeDevInfo } from '../../../scripts/cli/dev-info.ts';
import { mustRun } from '../../must-run.ts';
import { until } from '../../until.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Where the edge is, and the key that signs. */
export interface CalledEdge {
  readonly restUrl: string;
  readonly grpcAddress: string;
  readonly key: { readonly keyId: string; readonly secret: string };
}

/** Runs the calls one after the other; `folder` gets what `npm start` would have told their commands. */
export async function callAsReadme(folder: string, edge: CalledEdge): Promise<void> {
  const { restUrl, grpcAddress, key } = edge;
  writeDevInfo(folder, {
    ...{ restUrl, grpcEdgeAddress: grpcAddress, grpcAddress },
    ...{ adminGrpcAddress: '', opsUrl: '', workerOpsUrl: '', adminOpsUrl: '', opsKey: '' },
    ...{ databaseUrl: '', adminDatabaseUrl: '', redisUrl: '', logDir: folder },
    ...{ keys: [{ ...key, scopes: [] }], users: DEMO_USERS.map(Number), room: DEMO_ROOM },
  });
  const page = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const calls = [...page.matchAll(/^npm run (curl|call) -- (.*)$/gm)];
  assert.equal(calls.length, 4);
  // An edge is ready before it has seen a healthy server; on a busy machine its first check can fail, and callers retry.
  await until(
    'the edge reaches a server',
    async () => (await fetch(`${restUrl}/api/v1/wallet/balance`)).status !== 503,
  );
  let token = 'TOKEN';
  for (const [, command = '', rest = ''] of calls) {
    const line = `node ${join(ROOT, 'scripts', `${command}.ts`)} ${rest.replace('TOKEN', token)}`;
    const output = await mustRun('sh', ['-ec', line], { env: { ...process.env, DATA_DIR: folder } });
    assert.doesNotMatch(output, /ERR\d{3}/, line);
    token = /"token": *"([^"]+)"/.exec(output)?.[1] ?? token;
  }
  assert.notEqual(token, 'TOKEN');
}
