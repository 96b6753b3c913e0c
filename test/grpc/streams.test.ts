// Server streaming as its client sees it: checks, messages, cancellation, deadlines and limits.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, connect, type Json } from '../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { renderEdge } from '../../envoy/render.ts';
import { actingAs, withKey } from '../api.ts';
import type { Identity } from '../api-client.ts';
import type { EdgeOptions } from '../edge.ts';
import { makeKey } from '../keys.ts';
import { readMetrics, sumOf } from '../runtime/ops-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const WATCH = 'wallet.v2.PayoutService/WatchPayout';
const GET = 'wallet.v2.PayoutService/GetPayout';
const [ANNA, BO, CHO] = [8601, 8602, 8603];
const PER_USER = 10;
/** A quarter of MAX_IN_FLIGHT. */
const PLACES = 15;
/** What this edge gives calls that are not streams, which is 10 s in production. */
const OTHER_CALLS_MS = 2_000;
const SHORT_TIMEOUTS: EdgeOptions = {
  render: (settings) => {
    const config = renderEdge(settings);
    assert.match(config, /timeout: 10s/);
    return config.replaceAll('timeout: 10s', `timeout: ${OTHER_CALLS_MS / 1000}s`);
  },
};

let stack: Stack;
let client: Connection;
/** A key without the scope `read`, and one that is bound to Bo. */
let payer: SigningKey;
let bosKey: SigningKey;

before(async () => {
  stack = await startStack({
    edge: !withoutEdge && SHORT_TIMEOUTS,
    env: { MAX_IN_FLIGHT: String(4 * PLACES) },
  });
  await stack.addUsers([ANNA, BO, CHO]);
  client = connect(stack.grpcAddress, stack.key, { retry: false });
  payer = await makeKey(stack.database, { scopes: ['pay'] });
  bosKey = await makeKey(stack.database, { userId: BigInt(BO) });
  // Makes the server read its keys again.
  const { keyId } = await makeKey(stack.database);
  await call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: keyId }, {});
});
after(async () => {
  client.close();
  await stack.stop();
});

async function call(rpc: string, request: Json, identity: Identity): Promise<Json> {
  const answer = await stack.grpc.call(rpc, request, identity);
  assert.equal(answer.status, 0, answer.reason);
  return answer.body;
}

/** A draft of a user's. */
async function draft(user: number): Promise<string> {
  const { wallets } = await call('wallet.v2.WalletService/ListWallets', {}, actingAs(user));
  const wallet_id = (wallets as Json[])[0]?.wallet_id ?? '';
  const wish = { wallet_id, mode: 'PAYOUT_MODE_EACH' };
  const made = await call('wallet.v2.PayoutService/CreatePayout', wish, withKey(user));
  return String((made.payout as Json).payout_id);
}

function addLine(user: number, payout_id: string, first_line: number): Promise<Json> {
  const line = { user_id: String(BO), amount: { currency_code: 'KRW', minor_units: '1' } };
  return call(
    'wallet.v2.PayoutService/AddPayoutLines',
    { payout_id, first_line, lines: [line] },
    actingAs(user),
  );
}

const cancel = (user: number, payout_id: string) =>
  call('wallet.v2.PayoutService/CancelPayout', { payout_id }, withKey(user));

/** An open stream: its messages so far, and how it ended. */
function watch(payout_id: string, user: number, timeoutMs?: number) {
  const messages = client.stream(WATCH, { payout_id }, actingAs(user), { timeoutMs });
  const told: Json[] = [];
  const read = async () => {
    for await (const { payout } of messages) told.push(payout as Json);
  };
  const ended: Promise<PpuriError | 'OK'> = read().then(
    () => 'OK',
    (error) => error as PpuriError,
  );
  return { told, ended };
}

/** Opens a stream that its reader leaves when told to, once it has its first message. */
async function open(payout_id: string, user: number): Promise<{ stop(): Promise<unknown> }> {
  const messages = client.stream(WATCH, { payout_id }, actingAs(user));
  const { value } = await messages.next();
  assert.equal((value?.payout as Json | undefined)?.payout_id, payout_id);
  return { stop: () => messages.return(undefined) };
}

const refusalOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'none',
    ({ status, code, reason, message, violations }: PpuriError) =>
      JSON.stringify({ status, code, reason, message, violations }),
  );

async function openStreams(): Promise<number> {
  const [service = '', method = ''] = WATCH.split('/');
  const page = await readMetrics(`http://127.0.0.1:${stack.app.opsPort}`);
  return sumOf(page, 'ppuri_rpc_in_flight', { service, method });
}

/** When Postgres last saw the query for watched payouts. */
async function lastPoll(): Promise<string> {
  const { rows } =
    await stack.db.query(`SELECT coalesce(max(query_start)::text, '') AS at FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%FROM payouts p WHERE p.id = ANY%' AND pid <> pg_backend_pid()`);
  return rows[0].at;
}

/** Waits for the next poll. */
async function untilPolled(): Promise<void> {
  const before = await lastPoll();
  await until('the payout is polled', async () => (await lastPoll()) > before);
}

test('the stream sends the state at once, then each change, and ends with OK after the last one', async () => {
  const payout_id = await draft(ANNA);
  const { told, ended } = watch(payout_id, ANNA);
  await until('it told at once', () => told.length === 1);
  await addLine(ANNA, payout_id, 1);
  await until('it told of the line', () => told.length === 2);
  await untilPolled();
  await untilPolled();
  assert.equal(told.length, 2, 'nothing is told while nothing is new');
  await cancel(ANNA, payout_id);
  assert.equal(await ended, 'OK');
  assert.deepEqual(
    told.map(({ state, line_count }) => [state, line_count]),
    [
      ['PAYOUT_STATE_DRAFT', 0],
      ['PAYOUT_STATE_DRAFT', 1],
      ['PAYOUT_STATE_CANCELLED', 1],
    ],
  );
  const again = watch(payout_id, ANNA);
  assert.equal(await again.ended, 'OK');
  assert.equal(again.told.length, 1);
});

test('the stream is refused like GetPayout, for the same faults', async () => {
  const payout_id = await draft(ANNA);
  const { keyId } = stack.key;
  const forged: SigningKey = { keyId, kind: 'hmac-sha256', secret: Buffer.alloc(32) };
  const cases: [string, SigningKey | undefined, Json, Identity][] = [
    ['wrong signature', forged, { payout_id }, actingAs(ANNA)],
    ['no signature', undefined, { payout_id }, actingAs(ANNA)],
    ['no scope', payer, { payout_id }, actingAs(ANNA)],
    ["another user's key", bosKey, { payout_id }, actingAs(ANNA)],
    ['no acting user', stack.key, { payout_id }, {}],
    ['no UUID', stack.key, { payout_id: 'x' }, actingAs(ANNA)],
    ["another user's payout", stack.key, { payout_id }, actingAs(BO)],
    ['no such payout', stack.key, { payout_id: crypto.randomUUID() }, actingAs(ANNA)],
  ];
  const refusals = new Set<string>();
  for (const [what, key, request, identity] of cases) {
    const caller = connect(stack.grpcAddress, key, { retry: false });
    const refusal = await refusalOf(caller.stream(WATCH, request, identity).next());
    const unary = await refusalOf(caller.call(GET, request, identity));
    caller.close();
    assert.equal(refusal, unary, what);
    assert.match(refusal, /ERR00[1245]/, what);
    refusals.add(refusal);
  }
  assert.equal(refusals.size, 6, [...refusals].join('\n'));
});

test('the stream is released when the client cancels: polling stops, and its place is free', async () => {
  const payout_id = await draft(ANNA);
  const stream = await open(payout_id, ANNA);
  await untilPolled();
  await stream.stop();
  await until('the stream is gone', async () => (await openStreams()) === 0);
  const last = await lastPoll();
  await sleep(1500);
  // Empty where the connection has run another query since.
  assert.ok((await lastPoll()) <= last);
});

test('the stream ends at its deadline', async () => {
  const { told, ended } = watch(await draft(ANNA), ANNA, 3_000);
  assert.equal(((await ended) as PpuriError).status, 4);
  assert.equal(told.length, 1);
  await until('the stream is gone', async () => (await openStreams()) === 0);
});

test('streams are limited for each user and each server, and take no places from other calls', async () => {
  const [annas, bos, chos] = [await draft(ANNA), await draft(BO), await draft(CHO)];
  const streams = await Promise.all(Array.from({ length: PER_USER }, () => open(annas, ANNA)));
  const tooMany = await client
    .stream(WATCH, { payout_id: annas }, actingAs(ANNA))
    .next()
    .catch((error) => error);
  assert.deepEqual([tooMany.code, tooMany.reason], ['ERR008', 'RATE_LIMITED']);
  assert.ok(tooMany.retryAfterMs > 0);
  streams.push(...(await Promise.all(Array.from({ length: PLACES - PER_USER }, () => open(bos, BO)))));
  const full = await client
    .stream(WATCH, { payout_id: chos }, actingAs(CHO))
    .next()
    .catch((error) => error);
  assert.deepEqual([full.code, full.reason], ['ERR009', 'UNAVAILABLE']);
  assert.ok(full.retryAfterMs > 0);
  const looks = Array.from({ length: PLACES }, () => call(GET, { payout_id: chos }, actingAs(CHO)));
  await Promise.all(looks);
  await streams.pop()?.stop();
  await until('there is a place', async () => (await openStreams()) < PLACES);
  streams.push(await open(chos, CHO));
  await Promise.all(streams.map(({ stop }) => stop()));
  await until('all are gone', async () => (await openStreams()) === 0);
  await (await open(annas, ANNA)).stop();
});

test('over REST the stream is JSON lines, and may last longer than other calls', {
  skip: withoutEdge,
}, async () => {
  const payout_id = await draft(ANNA);
  const target = `/api/v2/payouts/${payout_id}/watch`;
  const headers = signedHeaders({ method: 'GET', target, body: Buffer.alloc(0) }, actingAs(ANNA), stack.key);
  const response = await fetch(`${stack.restUrl}${target}`, { headers });
  assert.equal(response.status, 200);
  const lines: Json[] = [];
  const reading = (async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const whole = text.split('\n');
      text = whole.pop() ?? '';
      for (const line of whole) lines.push(JSON.parse(line).payout as Json);
    }
  })();
  await until('the first line is there', () => lines.length === 1);
  await sleep(OTHER_CALLS_MS + 500);
  await addLine(ANNA, payout_id, 1);
  await until('the second line is there', () => lines.length === 2);
  await cancel(ANNA, payout_id);
  await reading;
  assert.deepEqual(
    lines.map(({ state }) => state),
    ['PAYOUT_STATE_DRAFT', 'PAYOUT_STATE_DRAFT', 'PAYOUT_STATE_CANCELLED'],
  );
});
