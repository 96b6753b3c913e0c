// The client against what is not ppuri or breaks off: pages of proxies, redirects, cut answers, and wrong input of its caller.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { type Connection, type ConnectOptions, connect } from '../../clients/typescript/src/connection.ts';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import { signRequest } from '../../clients/typescript/src/signature.ts';
import { pagesOf } from '../../clients/typescript/src/typed.ts';
import { WalletServiceService } from '../../gen/ts/wallet/v1/wallet_service.ts';
import { until } from '../until.ts';

const BALANCE = 'wallet.v1.WalletService/GetBalance';
const PAY = 'wallet.v1.WalletService/Transfer';
const OUTCOME = 'wallet.v2.TransferService/GetOutcome';
const WATCH = 'wallet.v2.PayoutService/WatchPayout';
const ANNA = { userId: 1001 };
const KEY = hmacKey('key-1', 'secret');

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

/** A client of a server that answers with one after the other of these, and with the last one from then on. */
async function clientOf(
  t: TestContext,
  answers: readonly Answer[],
  { path = '', ...options }: ConnectOptions & { readonly path?: string } = {},
): Promise<{ readonly client: Connection; readonly asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answers[Math.min(asked.length, answers.length) - 1]?.(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { client: connect(`http://127.0.0.1:${port}${path}`, KEY, options), asked };
}

const json =
  (body: object, httpStatus = 200, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response
      .writeHead(httpStatus, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body));
const html =
  (httpStatus: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(httpStatus, { 'content-type': 'text/html', ...headers }).end('<h1>Hello</h1>');
const PAID = json({ balance: '7' });

test('a page in place of an answer is an error that names it, and is not asked for again', async (t) => {
  for (const [answer, code] of [
    [html(200), status.UNKNOWN],
    [html(404), status.UNIMPLEMENTED],
    [html(302, { location: 'https://login.example.com/' }), status.UNKNOWN],
    [json(['no', 'message']), status.UNKNOWN],
  ] as const) {
    const { client, asked } = await clientOf(t, [answer]);
    await assert.rejects(client.call(BALANCE, {}, ANNA), {
      name: 'PpuriError',
      status: code,
      message: /HTTP \d+ with (text\/html|application\/json), which is not an answer of ppuri/,
    });
    assert.equal(asked.length, 1);
  }
});

test('a proxy without a server behind it is asked again, after as long as it says', async (t) => {
  const answers = [html(502), html(503, { 'retry-after': '1' }), html(429, { 'retry-after': '0' }), PAID];
  const pausesMs: number[] = [];
  const onRetry = (_error: Error, pauseMs: number) => pausesMs.push(pauseMs);
  const { client, asked } = await clientOf(t, answers, { retry: { onRetry } });
  assert.equal((await client.call(BALANCE, {}, ANNA)).balance, '7');
  assert.equal(asked.length, 4);
  assert.ok((pausesMs[1] ?? 0) >= 1000);
  // A limit that says no time is not one that ends.
  const limited = await clientOf(t, [html(429)]);
  await assert.rejects(limited.client.call(BALANCE, {}, ANNA), { status: status.RESOURCE_EXHAUSTED });
  assert.equal(limited.asked.length, 1);
});

test('an answer that is cut off, before and in its middle, is fetched under the same key with a new signature', async (t) => {
  const closed: Answer = (response) => response.destroy();
  const cut: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"bal', () => response.destroy());
  };
  const { client, asked } = await clientOf(t, [PAID, closed, cut, PAID]);
  await client.call(PAY, { to_user_id: 1002, amount: 1 }, ANNA);
  await client.call(PAY, { to_user_id: 1002, amount: 1 }, ANNA);
  const [first, ...second] = asked.map(({ headers }) => headers['idempotency-key']);
  assert.equal(new Set(second).size, 1);
  assert.notEqual(first, second[0]);
  assert.equal(new Set(asked.map(({ headers }) => headers.signature)).size, 4);
});

test('a statement is begun again only before its first piece, and is whole with its last line', async (t) => {
  const file =
    (...pieces: string[]): Answer =>
    async (response) => {
      response.writeHead(200, { 'content-type': 'text/csv' });
      for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve));
      response.end();
    };
  const read = async (client: Connection) => {
    const pieces = [];
    for await (const piece of client.statement({ wallet_id: crypto.randomUUID() }, ANNA)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };
  const whole = ['type\r\n', 'DEPOSIT,1\r\n', 'DEPOSIT,1\r\n', 'CLOSING,', '2\r\n'];
  const { client, asked } = await clientOf(t, [html(503, { 'retry-after': '0' }), file(...whole)]);
  assert.equal(await read(client), whole.join(''), 'pieces that are alike are no repeats');
  assert.equal(asked.length, 2);
  for (const cut of [whole.slice(0, 3), whole.slice(0, 4), [...whole, 'more\r\n'], []]) {
    const broken = await clientOf(t, [file(...cut), file(...whole)]);
    const isBegun = cut.length > 0;
    const reading = read(broken.client);
    if (isBegun) await assert.rejects(reading, { status: status.UNAVAILABLE, message: /cut off/ });
    else assert.equal(await reading, whole.join(''));
    assert.equal(broken.asked.length, isBegun ? 1 : 2);
  }
  const lines = '{"type":"OPENING"}\n{"type":"CLOSING","number":0}\n';
  assert.equal(await read((await clientOf(t, [file(lines)])).client), lines);
});

test('a stream that ends before its last state is opened again, also where it ends as if it were complete', async (t) => {
  const line = (state: string, count: number) =>
    `${JSON.stringify({ payout: { state: `PAYOUT_STATE_${state}`, line_count: count } })}\n`;
  const lines =
    (...texts: string[]): Answer =>
    (response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(texts.join(''));
  const cut: Answer = (response) => {
    response.writeHead(200);
    response.write(`${line('RUNNING', 2)}{"payo`, () => response.destroy());
  };
  const { client, asked } = await clientOf(t, [
    lines(line('DRAFT', 1), line('RUNNING', 1)),
    cut,
    lines(line('RUNNING', 2), line('DONE', 2)),
  ]);
  const states: string[] = [];
  for await (const { payout } of client.stream(WATCH, { payout_id: crypto.randomUUID() }, ANNA))
    states.push(`${(payout as { state: string }).state} ${(payout as { line_count: number }).line_count}`);
  assert.deepEqual(
    states.map((state) => state.replace('PAYOUT_STATE_', '')),
    ['DRAFT 1', 'RUNNING 1', 'RUNNING 2', 'DONE 2'],
  );
  assert.equal(asked.length, 3);
});

test('a base URL with a path leads through a proxy, and the signature is for the path behind it', async (t) => {
  const { client, asked } = await clientOf(t, [PAID], { path: '/pay/ppuri/' });
  await client.call(BALANCE, {}, ANNA);
  const [{ url, headers } = {} as IncomingMessage] = asked;
  assert.equal(url, '/pay/ppuri/api/v1/wallet/balance');
  const [, created = '', nonce = ''] =
    /created=(\d+);nonce="([^"]+)"/.exec(String(headers['signature-input'])) ?? [];
  const unsigned = { method: 'GET', path: '/api/v1/wallet/balance', query: '', body: Buffer.alloc(0), nonce };
  const expected = signRequest({
    ...unsigned,
    headers: { 'x-user-id': '1001' },
    key: KEY,
    created: Number(created),
  });
  assert.equal(headers.signature, expected.signature);
  for (const url of ['http://host/?a=b', 'http://user:word@host', 'http://', 'http://host/#a'])
    assert.throws(() => connect(url, KEY), TypeError, url);
});

test('a value in the path cannot lead elsewhere', async (t) => {
  const { client, asked } = await clientOf(t, [json({ state: 'OUTCOME_STATE_POSTED' })]);
  const room = (room_id: string) => client.call('wallet.v2.RoomService/GetRoom', { room_id }, ANNA);
  for (const id of ['', '.', '..']) await assert.rejects(room(id), TypeError);
  await client.call(OUTCOME, { idempotency_key: 'a/b' }, ANNA);
  await client.call(OUTCOME, { idempotency_key: 'a-b' }, ANNA);
  assert.deepEqual(
    asked.map(({ url }) => url),
    ['/api/v2/outcomes?idempotency_key=a%2Fb', '/api/v2/outcomes/a-b'],
  );
});

test('numbers are exact or refused, and so is what the contract does not have', async (t) => {
  const { client, asked } = await clientOf(t, [
    json({ balance: '9223372036854775807', field_of_tomorrow: 1 }),
  ]);
  const pay = (request: Parameters<Connection['call']>[1], identity = ANNA) =>
    client.call(PAY, request, identity);
  const answer = await pay({ to_user_id: 2n ** 63n - 1n, amount: '1', memo: undefined });
  assert.deepEqual([answer.balance, 'field_of_tomorrow' in answer], ['9223372036854775807', false]);
  for (const wrong of [
    { to_user_id: 2 ** 53, amount: 1 },
    { to_user_id: 2n ** 63n, amount: 1 },
    { to_user_id: 1002, amount: 1.5 },
    { to_user_id: 1002, amount: Number.NaN },
    { to_user_id: 1002, amounts: 1 },
    { to_user_id: { id: 1 }, amount: 1 },
  ])
    await assert.rejects(pay(wrong), TypeError);
  await assert.rejects(pay({ to_user_id: 1, amount: 1 }, { userId: 2 ** 53 }), TypeError);
  await assert.rejects(client.call('wallet.v1.WalletService/Nothing', {}, ANNA), TypeError);
  await assert.rejects(client.call(PAY, { to_user_id: 1, amount: 1 }, { idempotencyKey: '하나' }), TypeError);
  await assert.rejects(client.pages(BALANCE, {}, ANNA).next(), TypeError);
  assert.equal(asked.length, 1);
});

test("a fetch of one's own is used", async () => {
  const urls: string[] = [];
  const own: typeof fetch = async (url) => {
    urls.push(String(url));
    return new Response('{"balance":"3"}');
  };
  const client = connect('http://ppuri.example.com', KEY, { fetch: own });
  assert.equal((await client.call(BALANCE, {}, ANNA)).balance, '3');
  assert.deepEqual(urls, ['http://ppuri.example.com/api/v1/wallet/balance']);
});

test('one signal cancels many calls, without a warning of a leak', async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => {
    if (warning.name === 'MaxListenersExceededWarning') warnings.push(warning);
  };
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const { client, asked } = await clientOf(t, [() => {}]);
  const leaving = new AbortController();
  const calls = Array.from({ length: 20 }, () => client.call(BALANCE, {}, ANNA, { signal: leaving.signal }));
  const ended = Promise.allSettled(calls);
  await until('all are asked', () => asked.length === calls.length);
  leaving.abort();
  for (const { status: how } of await ended) assert.equal(how, 'rejected');
  assert.deepEqual(warnings, []);
});

test('typed services and their pages are called over REST, too', async (t) => {
  const page = (id: string, token: string) =>
    json({ transactions: [{ transaction_id: id }], next_page_token: token });
  const { client, asked } = await clientOf(t, [PAID, page('a', 'more'), page('b', '')]);
  const wallet = client.typed(WalletServiceService);
  assert.deepEqual(await wallet.getBalance({}, ANNA), { balance: 7n });
  const ids: string[] = [];
  const pages = pagesOf((pageToken) => wallet.listTransactions({ pageSize: 1, pageToken }, ANNA));
  for await (const { transactions } of pages) ids.push(...transactions.map((one) => one.transactionId));
  assert.deepEqual(ids, ['a', 'b']);
  assert.equal(asked.at(-1)?.url, '/api/v1/wallet/transactions?page_size=1&page_token=more');
});
