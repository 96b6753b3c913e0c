// The product that clients of other languages make their scenarios with (clients/scenarios), and the faults they ask for.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import { grpcClient } from '../../api-client.ts';
import { startTestEdge } from '../../edge.ts';
import { makeKey } from '../../keys.ts';
import { startWorkerProcess, workerEnv } from '../../processes.ts';
import { startOwnRedis } from '../../redis/own-redis.ts';
import { startReplaceableServer } from '../../replaceable-server.ts';
import {
  assertBooksBalance,
  makeDatabase,
  ownerPool,
  peopleOf,
  serverEnv,
  type TestDatabase,
} from '../../stack.ts';
import { until } from '../../until.ts';

/** As clients/scenarios/README.md promises; a burst is twice that. */
const USER_RATE_PER_SECOND = '10';

/** A running product, with what a runner of scenarios gets in its environment. */
export interface ScenarioProduct {
  readonly env: Readonly<Record<string, string>>;
  /** The database's owner, for reading the tables. */
  readonly db: pg.Pool;
  /** Adds users with 100,000 won each, and returns their ids. */
  addUsers(count: number): Promise<number[]>;
  /** Kills the server, and resolves when a new one serves in its place. */
  killServer(): Promise<void>;
  /** Stops everything, after making sure that every fault happened and that no money was made or lost. */
  stop(): Promise<void>;
}

/** Starts servers, a worker and an edge. gRPC leads to the server, where each fault is seen; the edge would retry some. */
export async function startScenarioProduct(): Promise<ScenarioProduct> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-scenarios-'));
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const env = { ...serverEnv(database, folder), REDIS_URL: redis.url, USER_RATE_PER_SECOND };
  // Before the server, which reads the keys when it starts.
  const hmac = await makeKey(database);
  const keys = { ...secretOf(hmac), ...(await makeEd25519Key(database)) };
  const server = await startReplaceableServer(env);
  const worker = await startWorkerProcess(workerEnv(database, redis.url));
  const edge = await startTestEdge(folder, [server.port]);
  const db = ownerPool(database);
  const [grpc, rest] = await Promise.all([
    startCuttableProxy(server.port),
    startCuttableProxy(Number(new URL(edge.restUrl).port)),
  ]);
  const killServer = server.kill;
  const faults = await startFaults({ db, killServer, proxies: [grpc, rest] });
  return {
    db,
    killServer,
    addUsers: (count) => addUsers(database, `127.0.0.1:${server.port}`, hmac, count),
    env: {
      ...keys,
      PPURI_GRPC: `127.0.0.1:${grpc.port}`,
      PPURI: `http://127.0.0.1:${rest.port}`,
      SCENARIOS: join(import.meta.dirname, '..', '..', '..', 'clients', 'scenarios'),
      FAULTS: faults.url,
    },
    stop: async () => {
      await faults.stop();
      for (const proxy of [grpc, rest]) proxy.close();
      await edge.stop();
      await worker.stop();
      await server.stop();
      await redis.stop();
      await assertBooksBalance(db).finally(() => db.end());
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function secretOf(key: SigningKey): Record<string, string> {
  assert.ok(key.kind === 'hmac-sha256');
  return { KEY_ID: key.keyId, SECRET: Buffer.from(key.secret).toString() };
}

async function makeEd25519Key(database: TestDatabase): Promise<Record<string, string>> {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const key = await makeKey(database, { kind: 'ed25519', publicKey });
  return {
    ED25519_KEY_ID: key.keyId,
    ED25519_PEM: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

async function addUsers(
  database: TestDatabase,
  address: string,
  key: SigningKey,
  count: number,
): Promise<number[]> {
  const ids = Array.from({ length: count }, (_, index) => 1001 + index);
  const client = grpcClient(address, key);
  const people = peopleOf(database, client);
  await people.addUsers(ids);
  await people.fund(ids, 100_000);
  client.close();
  return ids;
}

/** A TCP proxy that can lose what the server says and then break its connections. */
interface CuttableProxy {
  readonly port: number;
  /** From now on nothing that the server says arrives. */
  loseAnswers(): void;
  /** Breaks all connections; new ones work. */
  cut(): void;
  close(): void;
}

async function startCuttableProxy(target: number): Promise<CuttableProxy> {
  let isLosing = false;
  const sockets = new Set<Socket>();
  const server = createTcpServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const pairs = [
      [client, upstream],
      [upstream, client],
    ] as const;
    for (const [socket, other] of pairs) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.on('data', (bytes) => {
        if (!(isLosing && socket === upstream)) other.write(bytes);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isLosing = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    loseAnswers: () => {
      isLosing = true;
    },
    cut,
    close: () => {
      server.close();
      cut();
    },
  };
}

/** A fault that is prepared for the next call. */
interface Fault {
  readonly happened: Promise<void>;
}

interface FaultyParts {
  readonly db: pg.Pool;
  readonly killServer: () => Promise<void>;
  readonly proxies: readonly CuttableProxy[];
}

/** Listens for the faults that a runner asks for. `stop` throws when one of them did not happen. */
async function startFaults(parts: FaultyParts): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const underWay: Promise<void>[] = [];
  const prepare: Record<string, (userId: string) => Promise<Fault>> = {
    kill: async () => {
      await parts.killServer();
      return { happened: Promise.resolve() };
    },
    'kill-in-call': (userId) => killInCall(parts, [userId]),
    'lose-answer': (userId) => loseAnswer(parts, userId),
  };
  const server = createServer(async (request, response) => {
    const { user_id: userId = '' } = (await bodyOf(request)) as { user_id?: string };
    const fault = await prepare[request.url?.slice(1) ?? '']?.(userId);
    if (fault) underWay.push(fault.happened);
    // Its failure is reported by stop().
    fault?.happened.catch(() => {});
    response.writeHead(fault ? 200 : 404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      await Promise.all(underWay);
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const text = Buffer.concat(await request.toArray()).toString();
  return text === '' ? {} : JSON.parse(text);
}

/** Holds accounts of users, and kills the server once a call waits for them: it has decided nothing yet. */
export async function killInCall(
  { db, killServer }: Pick<FaultyParts, 'db' | 'killServer'>,
  userIds: readonly string[],
): Promise<Fault> {
  const holder = await db.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT FROM accounts WHERE owner_user_id = ANY ($1::bigint[]) FOR UPDATE', [userIds]);
  const kill = async () => {
    try {
      await until('a call waits', async () => (await db.query(WAITING_CALLS)).rowCount !== 0);
      await killServer();
    } finally {
      await holder.query('ROLLBACK').finally(() => holder.release());
    }
  };
  return { happened: kill() };
}

/** The worker pays lines of payouts, and may wait too. */
const WAITING_CALLS = `
  SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND usename = 'ppuri_app' AND wait_event_type = 'Lock'`;

/** Loses what the server says until a new answer is stored under a key of the user, and then breaks the connections. */
async function loseAnswer({ db, proxies }: FaultyParts, userId: string): Promise<Fault> {
  const stored = async () => {
    const text = 'SELECT count(*)::int AS count FROM idempotency_keys WHERE user_id = $1';
    return Number((await db.query(text, [userId])).rows[0].count);
  };
  const before = await stored();
  for (const proxy of proxies) proxy.loseAnswers();
  const lose = async () => {
    await until('an answer is stored and lost', async () => (await stored()) > before);
    for (const proxy of proxies) proxy.cut();
  };
  return { happened: lose() };
}
