// The TypeScript client against a real product that is killed, paused, cut off and limits its callers, over gRPC and REST.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type pg from 'pg';
import { createCalls, findRpc } from '../../../clients/typescript/src/calls.ts';
import { type Connection, connect, type Json } from '../../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../../clients/typescript/src/error.ts';
import { grpcTransport } from '../../../clients/typescript/src/grpc.ts';
import { signedHeaders } from '../../../clients/typescript/src/headers.ts';
import { serializeRequest } from '../../../clients/typescript/src/messages.ts';
import { createRetries } from '../../../clients/typescript/src/retry.ts';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import type { Sign, Transport } from '../../../clients/typescript/src/transport.ts';
import { actingAs, uniqueUsers, won } from '../../api.ts';
import { startTestEdge } from '../../edge.ts';
import { makeKey } from '../../keys.ts';
import { freePorts, type ServerProcess, startServerProcess } from '../../processes.ts';
import { withoutEdge } from '../../skip.ts';
import {
  assertBooksBalance,
  makeDatabase,
  ownerPool,
  peopleOf,
  serverEnv,
  type TestDatabase,
} from '../../stack.ts';
import { startTcpProxy, type TcpProxy } from '../../tcp-proxy.ts';
import { fundDirectly } from '../../test-ledger.ts';
import { until } from '../../until.ts';

const PAY = 'wallet.v1.WalletService/Transfer';
const BALANCE = 'wallet.v1.WalletService/GetBalance';
const WATCH = 'wallet.v2.PayoutService/WatchPayout';
const START = 100_000;
const USER_RATE = 50;
const BURST = 2 * USER_RATE;

let database: TestDatabase;
let db: pg.Pool;
let key: SigningKey;
let env: Record<string, string>;
let server: ServerProcess;
let edge: Awaited<ReturnType<typeof startTestEdge>> | undefined;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-client-faults-'));
  database = await makeDatabase();
  db = ownerPool(database);
  key = await makeKey(database);
  env = { ...serverEnv(database, folder), USER_RATE_PER_SECOND: String(USER_RATE) };
  server = await startServerProcess(env, await freePorts());
  if (!withoutEdge) edge = await startTestEdge(folder, [server.grpcPort]);
});
after(async () => {
  await edge?.stop();
  await server?.stop();
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** Two users, the first with money. */
async function twoUsers(): Promise<[payer: number, payee: number]> {
  const [payer = 0, payee = 0] = uniqueUsers(2);
  await peopleOf(database).addUsers([payer, payee]);
  await fundDirectly(database, [payer], START);
  return [payer, payee];
}

async function transfersOf(user: number): Promise<number> {
  const text = `SELECT count(*)::int AS count FROM transfers t JOIN accounts a ON a.id = t.debit_account_id
    WHERE a.owner_user_id = $1 AND t.kind = 'transfer'`;
  return (await db.query(text, [user])).rows[0].count;
}

/** From now on loses what the product says, and breaks the connections once the user's next payment is committed. */
async function loseNextAnswer(user: number, proxy: TcpProxy): Promise<{ readonly lost: Promise<void> }> {
  const before = await transfersOf(user);
  proxy.loseAnswers();
  const isCommitted = async () => (await transfersOf(user)) > before;
  return {
    lost: until('a payment is committed whose answer is lost', isCommitted).then(() => proxy.reconnect()),
  };
}

async function draftOf(client: Connection, user: number): Promise<string> {
  const { wallets } = await client.call('wallet.v2.WalletService/ListWallets', {}, actingAs(user));
  const wish = { wallet_id: (wallets as Json[])[0]?.wallet_id, mode: 'PAYOUT_MODE_EACH' };
  const { payout } = await client.call('wallet.v2.PayoutService/CreatePayout', wish, actingAs(user));
  return String((payout as Json).payout_id);
}

async function restartServer(): Promise<void> {
  const { grpcPort, opsPort } = server;
  server = await startServerProcess(env, { grpcPort, opsPort });
}

/** A client that remembers why attempts were repeated, with a proxy between it and the product. */
interface Client extends Connection {
  readonly retried: readonly PpuriError[];
  readonly pausesMs: readonly number[];
  readonly proxy: TcpProxy;
}

const WAYS = [
  { over: 'gRPC', port: () => server.grpcPort, address: (port: number) => `127.0.0.1:${port}`, skip: false },
  {
    over: 'REST',
    port: () => Number(new URL(edge?.restUrl ?? '').port),
    address: (port: number) => `http://127.0.0.1:${port}`,
    skip: withoutEdge,
  },
] as const;

async function withClient(
  { port, address }: (typeof WAYS)[number],
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const proxy = await startTcpProxy(port());
  const retried: PpuriError[] = [];
  const pausesMs: number[] = [];
  const onRetry = (error: PpuriError, pauseMs: number) => {
    retried.push(error);
    pausesMs.push(pauseMs);
  };
  const connection = connect(address(proxy.port), key, { retry: { onRetry, maxTokens: 1_000 } });
  await work({ ...connection, retried, pausesMs, proxy }).finally(() => {
    connection.close();
    proxy.close();
  });
}

for (const way of WAYS) {
  const { over, skip } = way;

  test(`a connection that is cut after the commit: the call gets its answer, and pays once, over ${over}`, {
    skip,
  }, async () => {
    const [payer, payee] = await twoUsers();
    await withClient(way, async (client) => {
      // Connects: afterwards only the answer is lost.
      await client.call(BALANCE, {}, actingAs(payer));
      const { lost } = await loseNextAnswer(payer, client.proxy);
      const { balance } = await client.call(PAY, { to_user_id: payee, amount: 500 }, actingAs(payer));
      await lost;
      assert.deepEqual([balance, await transfersOf(payer)], [String(START - 500), 1]);
      assert.ok(client.retried.length > 0);
    });
  });

  test(`a server that is killed is called until the next one serves, over ${over}`, { skip }, async () => {
    const [payer, payee] = await twoUsers();
    await withClient(way, async (client) => {
      await server.kill();
      const paid = client.call(PAY, { to_user_id: payee, amount: 500 }, actingAs(payer));
      await until('an attempt failed', () => client.retried.length > 0);
      await restartServer();
      assert.equal((await paid).balance, String(START - 500));
      for (const { status: code } of client.retried) assert.equal(code, status.UNAVAILABLE);
    });
  });

  test(`a server that hangs is left after the time of an attempt, and pays once when it goes on, over ${over}`, {
    skip,
  }, async () => {
    const [payer, payee] = await twoUsers();
    await withClient(way, async (client) => {
      server.signal('SIGSTOP');
      try {
        const times = { attemptTimeoutMs: 300, timeoutMs: 60_000 };
        const paid = client.call(PAY, { to_user_id: payee, amount: 500 }, actingAs(payer), times);
        await until('two attempts had no answer', () => client.retried.length > 1);
        server.signal('SIGCONT');
        assert.equal((await paid).balance, String(START - 500));
        assert.equal(client.retried[0]?.status, status.DEADLINE_EXCEEDED);
        assert.equal(await transfersOf(payer), 1);
      } finally {
        server.signal('SIGCONT');
      }
    });
  });

  test(`a rate limit is waited for as long as it says, over ${over}`, { skip }, async () => {
    const [payer] = await twoUsers();
    await withClient(way, async (client) => {
      // In waves: the limit fills again while a busy machine makes the calls.
      await until('a call meets the limit', async () => {
        const reads = Array.from({ length: BURST }, () => client.call(BALANCE, {}, actingAs(payer)));
        for (const { balance } of await Promise.all(reads)) assert.equal(balance, String(START));
        return client.retried.length > 0;
      });
      for (const [index, { reason, retryAfterMs = 0 }] of client.retried.entries()) {
        assert.equal(reason, 'RATE_LIMITED');
        assert.ok(retryAfterMs > 0 && (client.pausesMs[index] ?? 0) >= retryAfterMs);
      }
    });
  });

  test(`a stream goes on over a killed and a hanging server, and ends with its end, over ${over}`, {
    skip,
  }, async () => {
    const [payer, payee] = await twoUsers();
    await withClient(way, async (client) => {
      const payout_id = await draftOf(client, payer);
      const watch = client.stream(WATCH, { payout_id }, actingAs(payer), { attemptTimeoutMs: 3_000 });
      const next = async () => (await watch.next()).value?.payout as Json;
      assert.equal((await next()).line_count, 0);
      await server.kill();
      await restartServer();
      const lines = [{ user_id: payee, amount: won(1) }];
      const request = { payout_id, first_line: 1, lines };
      await client.call('wallet.v2.PayoutService/AddPayoutLines', request, actingAs(payer));
      assert.equal((await next()).line_count, 1);
      const before = client.retried.length;
      server.signal('SIGSTOP');
      const last = next();
      await until('the stream was silent', () => client.retried.length > before).finally(() =>
        server.signal('SIGCONT'),
      );
      await client.call('wallet.v2.PayoutService/CancelPayout', { payout_id }, actingAs(payer));
      assert.equal((await last).state, 'PAYOUT_STATE_CANCELLED');
      assert.equal((await watch.next()).done, true);
    });
  });

  test(`pages have what was there when they began, each once, also when more comes in between, over ${over}`, {
    skip,
  }, async () => {
    const [payer, payee] = await twoUsers();
    await withClient(way, async (client) => {
      const pay = (amount: number) => client.call(PAY, { to_user_id: payee, amount }, actingAs(payer));
      for (let amount = 1; amount <= 12; amount++) await pay(amount);
      const amounts: number[] = [];
      const list = 'wallet.v1.WalletService/ListTransactions';
      for await (const page of client.pages(list, { page_size: 5 }, actingAs(payee))) {
        amounts.push(...(page.transactions as Json[]).map(({ amount }) => Number(amount)));
        await pay(100);
      }
      assert.deepEqual(amounts, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    });
  });

  test(`a call that is cancelled ends at once, and the next one is as before, over ${over}`, {
    skip,
  }, async () => {
    const [payer] = await twoUsers();
    await withClient(way, async (client) => {
      const cancelled = new AbortController();
      const held = client.proxy.hold();
      const call = client.call(BALANCE, {}, actingAs(payer), { signal: cancelled.signal });
      await held;
      const why = new Error('the page was left');
      cancelled.abort(why);
      await assert.rejects(call, { name: 'PpuriError', status: status.CANCELLED, cause: why });
      client.proxy.release();
      assert.equal((await client.call(BALANCE, {}, actingAs(payer))).balance, String(START));
    });
  });
}

test('negative control: with a new key for each attempt, a cut after the commit pays twice', async () => {
  const [payer, payee] = await twoUsers();
  const proxy = await startTcpProxy(server.grpcPort);
  const sign: Sign = (request, identity) => signedHeaders(request, identity, key);
  const transport = grpcTransport(`127.0.0.1:${proxy.port}`, sign, {});
  const withNewKeys: Transport = {
    ...transport,
    unary: (attempt) =>
      transport.unary({ ...attempt, identity: { ...attempt.identity, idempotencyKey: crypto.randomUUID() } }),
  };
  const calls = createCalls(withNewKeys, createRetries(), true);
  await calls.unary(BALANCE, Buffer.alloc(0), actingAs(payer), {});
  const { lost } = await loseNextAnswer(payer, proxy);
  const request = serializeRequest(findRpc(PAY, 'unary'), { to_user_id: payee, amount: 500 });
  await calls.unary(PAY, request, actingAs(payer), {});
  await lost;
  assert.equal(await transfersOf(payer), 2);
  transport.close();
  proxy.close();
});
