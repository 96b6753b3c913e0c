// An edge that is stopped as its container is (envoy/run-envoy.sh): calls under way are answered, and callers go on elsewhere.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { renderEdge } from '../../../envoy/render.ts';
import { type Envoy, findEnvoy } from '../../../scripts/dev/envoy.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { answers, endsWithParent, type Part, startPart } from '../../../scripts/ops/parts/part.ts';
import { withKey } from '../../api.ts';
import { type Answer, type ApiClient, grpcClient, restClient } from '../../api-client.ts';
import { EDGE_SECRET, startTestEdge } from '../../edge.ts';
import { withoutEdge as skip } from '../../skip.ts';
import { type Stack, startStack } from '../../stack.ts';
import { startTcpProxy } from '../../tcp-proxy.ts';
import { startTraffic } from '../../traffic.ts';
import { until } from '../../until.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const USERS = Array.from({ length: 20 }, (_, index) => 9651 + index);
const [PAYER = 0, PAYEE = 0] = USERS;
const DRAIN_SECONDS = 3;
const CALLS = 200;
const WITHIN_MS = 60_000;
const TRANSFER = 'wallet.v1.WalletService/Transfer';

let stack: Stack;
/** The edge that stays. */
let other: Envoy;
before(async () => {
  if (skip) return;
  stack = await startStack();
  await stack.addUsers(USERS);
  await stack.fund(USERS, 100_000);
  other = await startTestEdge(join(stack.logDir, 'other'), [stack.app.grpcPort]);
});
after(async () => {
  await other?.stop();
  await stack?.stop();
});

interface StoppingEdge extends Part {
  readonly restPort: number;
  readonly grpcPort: number;
  readonly stats: string;
  /** What the script and Envoy wrote. */
  log(): string;
}

/** Starts an edge by the script that its container runs, or without it. */
async function startEdge(name: string, runner: 'run-envoy.sh' | 'envoy alone'): Promise<StoppingEdge> {
  const [restPort = 0, grpcPort = 0, adminPort = 0] = await findFree(3);
  const folder = join(stack.logDir, name);
  mkdirSync(folder);
  const adminSocket = join(folder, 'admin.sock');
  const settings = {
    ...{ host: '127.0.0.1', restPort, grpcPort, adminPort, adminSocket, corsOrigins: [] },
    ...{ upstreams: [{ host: '127.0.0.1', port: stack.app.grpcPort }], addressRatePerSecond: 1_000_000 },
  };
  writeFileSync(join(folder, 'envoy.yaml'), renderEdge(settings));
  const found = await findEnvoy(console.error);
  assert.ok('path' in found);
  const envoy = [
    ...[...(await endsWithParent()), found.path, '-c', join(folder, 'envoy.yaml')],
    ...['--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'],
  ];
  const [command = '', ...args] =
    runner === 'envoy alone' ? envoy : ['bash', join(ROOT, 'envoy', 'run-envoy.sh'), adminSocket, ...envoy];
  const stats = `http://127.0.0.1:${adminPort}`;
  const part = await startPart({
    ...{ name, folder, url: stats, command, args },
    env: { ...process.env, EDGE_SECRET, DRAIN_SECONDS: String(DRAIN_SECONDS) },
    isReady: () => answers(`${stats}/ready`),
    readyTimeoutMs: WITHIN_MS,
  });
  const log = () => readFileSync(join(folder, `${name.replaceAll(' ', '-')}.log`), 'utf8');
  return { ...part, restPort, grpcPort, stats, log };
}

/** Transfers that wait for a locked row, one over gRPC and one over REST. */
async function transfersUnderWay(edge: StoppingEdge) {
  const holder = await stack.db.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM accounts WHERE owner_user_id = $1 FOR UPDATE', [PAYER]);
  const clients = [
    grpcClient(`127.0.0.1:${edge.grpcPort}`, stack.key),
    restClient(`http://127.0.0.1:${edge.restPort}`, stack.key),
  ];
  const answered = clients.map((client) =>
    client.call(TRANSFER, { to_user_id: PAYEE, amount: 1 }, withKey(PAYER, crypto.randomUUID())).then(
      ({ status, reason }) => (status === 0 ? 'OK' : `${status} ${reason}`),
      (error: Error) => error.message,
    ),
  );
  await until('both are under way', async () => {
    const text = await (await fetch(`${edge.stats}/stats?filter=downstream_rq_active`)).text();
    return (
      /http\.grpc\.downstream_rq_active: 1\n/.test(text) && /http\.rest\.downstream_rq_active: 1\n/.test(text)
    );
  });
  return {
    release: async () => {
      await holder.query('ROLLBACK');
      holder.release();
    },
    answers: async () => {
      const all = await Promise.all(answered);
      for (const client of clients) client.close();
      return all;
    },
  };
}

test('calls that are under way when the edge is stopped are answered before it ends', { skip }, async () => {
  await using edge = await startEdge('drained edge', 'run-envoy.sh');
  const transfers = await transfersUnderWay(edge);
  edge.signal('SIGTERM');
  // It takes no connections any more, and still waits for them.
  await until('it is closed', async () => !(await answers(`http://127.0.0.1:${edge.restPort}/`)), WITHIN_MS);
  assert.equal(await answers(`${edge.stats}/ready`), true);
  await transfers.release();
  assert.deepEqual(await transfers.answers(), ['OK', 'OK']);
  assert.equal(await edge.ended, 'exit code 0');
});

test('negative control: Envoy alone ends at once, and the calls with it', { skip }, async () => {
  await using edge = await startEdge('undrained edge', 'envoy alone');
  const transfers = await transfersUnderWay(edge);
  edge.signal('SIGTERM');
  await edge.ended;
  await transfers.release();
  const all = await transfers.answers();
  assert.ok(!all.includes('OK'), all.join('\n'));
});

/** Whether a connection was closed before its answer began, which clients of HTTP try again by themselves. */
function isClosed(answer: Answer | Error, { name }: ApiClient): boolean {
  if (answer instanceof Error) return /fetch failed|terminated/.test(answer.message);
  return name === 'gRPC' && answer.reason === '' && answer.status === 14;
}

test('under load an edge is stopped, connections come to another one, and no call fails', {
  skip,
}, async () => {
  await using edge = await startEdge('stopped edge', 'run-envoy.sh');
  const rest = await startTcpProxy(edge.restPort);
  const grpc = await startTcpProxy(edge.grpcPort);
  const clients = [
    grpcClient(`127.0.0.1:${grpc.port}`, stack.key),
    restClient(`http://127.0.0.1:${rest.port}`, stack.key),
  ];
  const traffic = startTraffic({
    ...{ clients, users: USERS, callers: 10, pauseMs: 20, retries: 1, isTransient: isClosed },
  });
  const { record } = traffic;
  const moreCalls = (count: number) => {
    const enough = record.answers.length + count;
    return until(`${count} calls more`, () => record.answers.length >= enough, WITHIN_MS);
  };
  try {
    await moreCalls(CALLS);
    edge.signal('SIGTERM');
    // A balancer notices after some calls that the edge ends; connections that there are stay where they are.
    await moreCalls(CALLS / 10);
    rest.leadTo(Number(new URL(other.restUrl).port));
    grpc.leadTo(Number(other.grpcAddress.split(':')[1]));
    assert.equal(await edge.ended, 'exit code 0', edge.log());
    await moreCalls(CALLS);
  } finally {
    await traffic.stop();
    for (const one of [...clients, rest, grpc]) one.close();
  }
  assert.deepEqual(record.failed, []);
  console.log(
    `${record.answers.length} calls, ${record.retried.length} of them again because their connection was closed`,
  );
});
