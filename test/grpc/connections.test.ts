// Options of connections and calls: deadlines, age, streams, reflection, TLS files.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Settings } from 'node:http2';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { withKey } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const USER = 8901;
const CALL_TIMEOUT_MS = 1500;
const MAX_AGE_MS = 400;
const CHARGE = '/wallet.v1.WalletService/Charge';
/** A wallet.v1.ChargeRequest with an amount of 7. */
const SEVEN = Buffer.from([8, 7]);

let stack: Stack;
let client: Client;
before(async () => {
  stack = await startStack({
    env: { CALL_TIMEOUT_MS: String(CALL_TIMEOUT_MS), MAX_CONNECTION_AGE_MS: String(MAX_AGE_MS) },
  });
  await stack.addUsers([USER]);
  client = new Client(stack.grpcAddress, credentials.createInsecure());
});
after(async () => {
  client.close();
  await stack.stop();
});

/** Charges 7 won; resolves with the error, or undefined when all went well. */
function charge(
  idempotencyKey: string,
  options: { deadline?: number } = {},
): Promise<PpuriError | undefined> {
  const identity = withKey(USER, idempotencyKey);
  const metadata = new Metadata();
  const headers = signedHeaders({ method: 'POST', target: CHARGE, body: SEVEN }, identity, stack.key);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(CHARGE, asIs, asIs, SEVEN, metadata, options, (error: ServiceError | null) =>
      resolve(error ? PpuriError.ofGrpc(error) : undefined),
    );
  });
}

/** Runs while every account is locked, as by a transaction that never ends. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  const holder = await stack.db.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT id FROM accounts FOR UPDATE');
    await work();
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
}

async function transferCount(): Promise<number> {
  const { rows } = await stack.db.query('SELECT count(*)::int AS count FROM transfers');
  return rows[0].count;
}

test('a call without a deadline gets the default one; nothing posts after it, and a retry posts once', async () => {
  const key = crypto.randomUUID();
  await whileLocked(async () => {
    const started = Date.now();
    const error = await charge(key);
    // A call that waits for a lock is refused shortly before its deadline.
    assert.deepEqual([error?.code, error?.reason], ['ERR009', 'UNAVAILABLE']);
    assert.ok(Date.now() - started >= CALL_TIMEOUT_MS - 300);
  });
  // The first attempt gets its lock only now, after its deadline.
  assert.equal(await charge(key, { deadline: Date.now() + 30_000 }), undefined);
  assert.equal(await transferCount(), 1);
});

test('the deadline of the caller replaces the default one', async () => {
  const key = crypto.randomUUID();
  let outcome: Promise<PpuriError | undefined> | undefined;
  await whileLocked(async () => {
    outcome = charge(key, { deadline: Date.now() + 10_000 });
    await sleep(2 * CALL_TIMEOUT_MS);
  });
  assert.equal(await outcome, undefined);
});

test('a connection that reaches its maximum age is closed without losing a call', async () => {
  const session = connect(`http://${stack.grpcAddress}`);
  const started = Date.now();
  const calls: Promise<PpuriError | undefined>[] = [];
  // With a deadline of their own: the default one of this server is short for a busy machine.
  const call = () => charge(crypto.randomUUID(), { deadline: Date.now() + 30_000 });
  const timer = setInterval(() => calls.push(call()), 20);
  await once(session, 'goaway');
  // The server spreads the ages by a tenth, so that not all clients come back at once; the rest is for a slow machine.
  assert.ok(Date.now() - started < 10 * MAX_AGE_MS);
  await sleep(2 * MAX_AGE_MS);
  await until('many calls are made', () => calls.length > 20);
  clearInterval(timer);
  session.close();
  assert.deepEqual((await Promise.all(calls)).filter(Boolean), []);
});

test('a connection carries at most 256 concurrent streams', async () => {
  const session = connect(`http://${stack.grpcAddress}`);
  const [settings] = (await once(session, 'remoteSettings')) as [Settings];
  assert.equal(settings.maxConcurrentStreams, 256);
  session.close();
});

/** The required variables. */
const ENV = {
  DATABASE_URL: 'postgres://a@127.0.0.1/b',
  REDIS_URL: 'redis://127.0.0.1:6379',
  EDGE_SECRET: 'sixteen characters at least',
  KEY_ENCRYPTION_KEYS: `a:${Buffer.alloc(32).toString('base64')}`,
};

test('reflection is off by default, whatever NODE_ENV is', () => {
  assert.equal(readServerConfig(ENV).grpcReflection, false);
  assert.equal(readServerConfig({ ...ENV, NODE_ENV: 'development' }).grpcReflection, false);
  assert.equal(readServerConfig({ ...ENV, NODE_ENV: 'production' }).grpcReflection, false);
  assert.equal(readServerConfig({ ...ENV, GRPC_REFLECTION: 'true' }).grpcReflection, true);
});

test('a certificate without its key, or a missing one, is named in the error at the start', () => {
  assert.throws(
    () => readServerConfig({ ...ENV, GRPC_TLS_CERT: import.meta.filename }),
    /GRPC_TLS_CERT and GRPC_TLS_KEY/,
  );
  assert.throws(
    () => readServerConfig({ ...ENV, GRPC_TLS_KEY: '/nowhere/key.pem' }),
    /GRPC_TLS_KEY must be the path of a file that can be read/,
  );
});
