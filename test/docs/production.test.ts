// docs/production.md works as it is written: its steps, run one after the other on an empty database, end in an answered call.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import { findFree } from '../../scripts/dev/ports.ts';
import { type Postgres, startPostgres } from '../../scripts/dev/postgres.ts';
import { grpcClient, restClient } from '../api-client.ts';
import { mustRun } from '../must-run.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { withoutEdge } from '../skip.ts';
import { findPagePorts, INNER, pageEnvironment, shownValue, stepWith } from './production-page.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const READY_WITHIN_MS = 120_000;
const skip = withoutEdge || withoutRedis;

let folder: string;
let postgres: Postgres;
let ownerUrl: string;
let redis: OwnRedis;
let ports: ReadonlyMap<string, number>;
const services: { stop(): Promise<void> }[] = [];
before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), 'ppuri-production-'));
  const [postgresPort = 0] = await findFree(1);
  const place = { dataDir: join(folder, 'data'), logDir: join(folder, 'log'), port: postgresPort };
  [postgres, redis] = await Promise.all([startPostgres(place), startOwnRedis()]);
  ownerUrl = await postgres.createDatabase('ppuri');
  ports = await findPagePorts();
  // As in a clone: the commands name these.
  for (const path of ['scripts', 'src', 'envoy', 'gen', 'node_modules', 'package.json']) {
    symlinkSync(join(ROOT, path), join(folder, path));
  }
});
after(async () => {
  if (skip) return;
  await Promise.all(services.map((service) => service.stop()));
  await Promise.all([postgres.stop(), redis.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({ ...pageEnvironment(ownerUrl, redis.url), HOME: folder });
const step = (text: string) => stepWith(text, ports);
const run = (text: string) => mustRun('sh', ['-ec', step(text)], { cwd: folder, env: environment() });

/** Runs a step that stays, until its port answers. */
async function serve(text: string, isReady: () => Promise<boolean>): Promise<void> {
  const child = spawn('sh', ['-ec', step(text)], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  services.push({
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  });
  const until = Date.now() + READY_WITHIN_MS;
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`${text} does not serve:\n${output.slice(-3000)}`);
    await sleep(100);
  }
}

const answers = (port: string, path: string) => () =>
  fetch(`http://127.0.0.1:${ports.get(port)}${path}`).then(
    ({ ok }) => ok,
    () => false,
  );

test('the steps of docs/production.md end in an answered call, without reflection', {
  skip,
  timeout: 280_000,
}, async () => {
  await run('cat > migrate.env');
  await run('scripts/migrate.ts');
  const shown = await run('scripts/keys.ts create');
  const key = hmacKey(shownValue(shown, '(?:keyId|id)'), shownValue(shown, 'secret'));
  await serve('--env-file=server.env', answers('9464', '/readyz'));
  await serve('--env-file=worker.env', answers('9465', '/readyz'));
  await serve('--env-file=admin.env --max', answers('9466', '/readyz'));
  await run('cat > edge.json');
  await run('scripts/edge.ts');
  await serve('exec envoy', answers('9901', '/ready'));

  const rest = restClient(`http://127.0.0.1:${ports.get('8080')}`, key);
  const identity = { userId: '1001', idempotencyKey: crypto.randomUUID() };
  const made = await rest.call(
    'wallet.v2.UserService/CreateUser',
    { user_id: '1001', display_name: 'Anna' },
    identity,
  );
  assert.equal(made.status, 0, made.reason);
  const edge = grpcClient(`127.0.0.1:${ports.get('8081')}`, key);
  const wallets = await edge.call('wallet.v2.WalletService/ListWallets', {}, { userId: '1001' });
  edge.close();
  assert.equal(wallets.list('wallets').length, 1);

  for (const log of ['server/app.log', 'worker/app.log', 'admin/app.log', 'edge/edge.log'])
    assert.equal((statSync(join(folder, 'log', log)).mode & 0o777).toString(8), '600', log);
  const server = `${INNER}:${ports.get('50051')}`;
  assert.equal(
    await statusOf(server, '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'),
    status.UNIMPLEMENTED,
  );
  assert.equal(await statusOf(server, '/admin.v1.JobService/ListJobs'), status.UNIMPLEMENTED);
  const admin = `127.0.0.1:${ports.get('50052')}`;
  assert.equal(await statusOf(admin, '/admin.v1.JobService/ListJobs'), status.UNAUTHENTICATED);
  if (INNER !== '127.0.0.1') assert.equal(await isOpen(Number(ports.get('50051'))), false);
});

function statusOf(address: string, path: string): Promise<number> {
  const client = new Client(address, credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), (error: ServiceError | null) => {
      client.close();
      resolve(error?.code ?? 0);
    });
  });
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}
