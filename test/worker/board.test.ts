// The board of queues against who has no key, guesses one, or sends the browser of somebody who has it.
import assert from 'node:assert/strict';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type BoardEvent, board } from '../../src/worker/queue/board.ts';
import type { Queues } from '../../src/worker/queue/queues.ts';

const OPS_KEY = 'a key that only ops have';
const events: BoardEvent[] = [];
let nowMs = 0;
let server: Server;
before(async () => {
  // No queue is read here, so none is needed.
  const queues = {} as Queues;
  const serve = board({ queues, opsKey: OPS_KEY, observe: (event) => events.push(event), now: () => nowMs });
  server = createServer((incoming, response) => {
    if (!serve(incoming, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => {
  server.close();
});

interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

function ask(
  password: string | undefined,
  headers: Record<string, string> = {},
  method = 'GET',
  from = '127.0.0.1',
): Promise<Page> {
  const { port } = server.address() as AddressInfo;
  const key =
    password === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`me:${password}`).toString('base64')}` };
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      localAddress: from,
      method,
      path: '/queues/api/queues',
      agent: false,
    };
    const outgoing = request({ ...options, headers: { ...key, ...headers } }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const here = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;

test('a page of another site gets nothing although the browser sends the credentials', async () => {
  const foreign: Record<string, string>[] = [
    { origin: 'https://stranger.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: `http://${here()}` },
  ];
  for (const headers of foreign) {
    for (const method of ['GET', 'PUT', 'POST', 'OPTIONS']) {
      const came = await ask(OPS_KEY, headers, method);
      assert.equal(came.status, 403, JSON.stringify(headers));
      assert.equal(came.headers['access-control-allow-origin'], undefined);
    }
  }
  assert.equal(events.at(-1)?.kind, 'foreign page');
  const own: Record<string, string>[] = [
    {},
    { origin: `http://${here()}`, 'sec-fetch-site': 'same-origin' },
    { origin: `https://${here()}` },
    { 'sec-fetch-site': 'none' },
  ];
  for (const headers of own) assert.equal((await ask(OPS_KEY, headers)).status, 200, JSON.stringify(headers));
});

test('every answer keeps the page out of frames, caches and other sites', async () => {
  for (const came of [await ask(OPS_KEY), await ask(undefined), await ask(OPS_KEY, { origin: 'null' })]) {
    assert.match(String(came.headers['content-security-policy']), /frame-ancestors 'none'/);
    assert.equal(came.headers['x-content-type-options'], 'nosniff');
    assert.equal(came.headers['cache-control'], 'no-store');
    assert.equal(came.headers['x-powered-by'], undefined);
  }
});

test('guesses are logged and throttled by address; asking without a key is none', async () => {
  events.length = 0;
  for (let i = 0; i < 30; i++) assert.equal((await ask(undefined)).status, 401);
  const statuses: number[] = [];
  for (let i = 0; i < 15; i++) statuses.push((await ask(`guess ${i}`)).status);
  assert.deepEqual(statuses, [...Array(10).fill(401), ...Array(5).fill(429)]);
  const kinds = events.map(({ kind }) => kind);
  assert.deepEqual(kinds, [...Array(10).fill('wrong key'), 'throttled']);
  assert.ok(!JSON.stringify(events).includes('guess'));
  // Also with the right key: otherwise guessing would only be asked to be quiet.
  const waiting = await ask(OPS_KEY);
  assert.deepEqual([waiting.status, waiting.headers['retry-after']], [429, '6']);
  assert.equal((await ask(OPS_KEY, {}, 'GET', '127.0.0.2')).status, 200);
  nowMs += 6_000;
  assert.equal((await ask(OPS_KEY)).status, 200);
  assert.equal((await ask('one more')).status, 401);
  assert.equal((await ask('one more')).status, 429);
});

test('requests that may change something are reported with user and address', async () => {
  nowMs += 600_000;
  events.length = 0;
  await ask(OPS_KEY, {}, 'PUT');
  assert.deepEqual(events, [
    { kind: 'change', address: '127.0.0.1', method: 'PUT', path: '/queues/api/queues' },
  ]);
});
