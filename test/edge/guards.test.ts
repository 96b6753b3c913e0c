// What keeps strangers from costing much, or from ending the edge: a limit for each address, no compressed messages, a check
// that fails closed, and an admin page that only its own user reaches.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type EdgeSettings, renderEdge } from '../../envoy/render.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { NO_SERVER, startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Came, callGrpc, send, sentOn } from './wire.ts';

const skip = withoutEdge;
const BALANCE = '/api/v1/wallet/balance';
const BALANCE_RPC = '/wallet.v1.WalletService/GetBalance';
const CHARGE = '/api/v1/wallet/charge';
const RATE = 4;
const folder = mkdtempSync(join(tmpdir(), 'ppuri-guards-'));

// Nothing is behind these edges: what gets through is answered UNAVAILABLE.
let edge: Envoy;
let limited: Envoy;
before(async () => {
  if (skip) return;
  edge = await startTestEdge(join(folder, 'edge'), NO_SERVER);
  limited = await startTestEdge(join(folder, 'limited'), NO_SERVER, {
    settings: { addressRatePerSecond: RATE },
  });
});
after(async () => {
  for (const each of [edge, limited]) await each?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('an address that asks for more than its rate is refused at the edge, others are not', {
  skip,
}, async () => {
  const before = await sentOn(limited.adminUrl);
  const started = Date.now();
  const came = await Promise.all(
    Array.from({ length: 100 }, () => send(limited.restUrl, { target: BALANCE })),
  );
  const refused = came.filter(({ reason }) => reason === 'RATE_LIMITED');
  const most = 2 * RATE + RATE * Math.ceil((Date.now() - started) / 1000);
  assert.ok(came.length - refused.length <= most, `${came.length - refused.length} of 100, at most ${most}`);
  const [first] = refused;
  assert.deepEqual([first?.status, first?.headers['retry-after']], [429, '1']);
  assert.match(first?.text ?? '', /ERR008.*RetryInfo/s);
  const elsewhere = await send(limited.restUrl, { target: BALANCE, from: '127.0.0.2' });
  assert.equal(elsewhere.reason, 'UNAVAILABLE');
  assert.equal(await sentOn(limited.adminUrl), before);
});

test('the same over gRPC, with the details that clients read', { skip }, async () => {
  const errors = await Promise.all(
    Array.from({ length: 60 }, () => callGrpc(limited.grpcAddress, BALANCE_RPC, {})),
  );
  const refused = errors.filter((error) => error?.reason === 'RATE_LIMITED');
  assert.ok(refused.length >= 20, String(refused.length));
  assert.deepEqual([refused[0]?.status, refused[0]?.code, refused[0]?.retryAfterMs], [8, 'ERR008', 1000]);
});

test('by default an address has the rate that the servers give it', () => {
  const places = {
    host: '127.0.0.1',
    restPort: 1,
    grpcPort: 2,
    adminPort: 3,
    upstreams: [],
    corsOrigins: [],
  };
  const rendered = (settings: Partial<EdgeSettings> = {}) =>
    renderEdge({ ...places, adminSocket: '/tmp/admin.sock', ...settings });
  assert.match(rendered(), /"max_tokens":2000,"tokens_per_fill":1000,"fill_interval":"1s"/);
  assert.match(rendered({ addressRatePerSecond: 7 }), /"max_tokens":14,"tokens_per_fill":7,/);
  assert.throws(() => rendered({ addressRatePerSecond: 0 }), RangeError);
});

test('a message that says it is compressed does not get past the gRPC listener', { skip }, async () => {
  const ask = (type: string, encoding: string) =>
    send(`http://${edge.grpcAddress}`, {
      method: 'POST',
      target: BALANCE_RPC,
      headers: { 'content-type': type, 'grpc-encoding': encoding },
      body: Buffer.alloc(5),
    });
  for (const type of ['application/grpc', 'application/grpc-web+proto']) {
    for (const encoding of ['gzip', 'deflate', 'identity, gzip', 'GZIP']) {
      const { headers } = await ask(type, encoding);
      assert.deepEqual(
        [headers['grpc-status'], headers['grpc-accept-encoding']],
        ['12', 'identity'],
        encoding,
      );
      const details = Buffer.from(String(headers['grpc-status-details-bin']), 'base64').toString();
      assert.match(details, /COMPRESSION_NOT_SUPPORTED/);
    }
    assert.equal((await ask(type, 'identity')).headers['grpc-status'], '14');
  }
  // Without the header nothing is said of it, also where there is no such method.
  const error = await callGrpc(edge.grpcAddress, `${BALANCE_RPC}s`, {});
  assert.equal(error?.reason, 'UNAVAILABLE');
  assert.equal(
    (await callGrpc(edge.grpcAddress, '/nothing.v1.Here/Nothing', {}))?.reason,
    'METHOD_NOT_FOUND',
  );
});

test('over gRPC the limit has the status of its own', { skip }, async () => {
  const ask = () =>
    send(`http://${limited.grpcAddress}`, {
      method: 'POST',
      target: BALANCE_RPC,
      headers: { 'content-type': 'application/grpc' },
      body: Buffer.alloc(5),
    });
  const came = await Promise.all(Array.from({ length: 40 }, ask));
  const statuses = new Set(came.map(({ headers }) => headers['grpc-status']));
  assert.deepEqual(
    [...statuses].filter((status) => status !== '14'),
    ['8'],
  );
});

/** Renders an edge whose script has a fault. */
function withFault(where: string, fault: string): (settings: EdgeSettings) => string {
  return (settings) => {
    const rendered = renderEdge(settings);
    const changed = rendered.replace(where, `${where} ${fault}`);
    assert.notEqual(changed, rendered);
    return changed;
  };
}

test('a request is refused when the Lua script fails', { skip }, async () => {
  const faults: Record<string, (settings: EdgeSettings) => string> = {
    outside: withFault('function envoy_on_request(handle)', 'local x = nil + 1'),
    route: withFault('local function checkAll(handle)', 'local x = nil + 1'),
    body: withFault('local function checkBody(text, fields)', 'local x = nil + 1'),
  };
  for (const [name, render] of Object.entries(faults)) {
    const faulty = await startTestEdge(join(folder, name), NO_SERVER, { render });
    try {
      const came = await send(faulty.restUrl, { method: 'POST', target: CHARGE, body: '{"amount": 1}' });
      assert.deepEqual([came.status, came.reason], [500, 'INTERNAL'], name);
      assert.doesNotMatch(came.text, /nil|lua|script/i);
    } finally {
      await faulty.stop();
    }
  }
});

test('a client cannot say itself that its request was checked', { skip }, async () => {
  const faulty = await startTestEdge(join(folder, 'said'), NO_SERVER, {
    render: withFault('function envoy_on_request(handle)', 'local x = nil + 1'),
  });
  try {
    const headers = { 'x-request-checked': 'yes' };
    assert.equal((await send(faulty.restUrl, { target: BALANCE, headers })).reason, 'INTERNAL');
  } finally {
    await faulty.stop();
  }
});

/** Asks Envoy's own admin page. */
function askAdmin(socketPath: string, method: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

test('the admin port of Envoy offers only readiness and statistics', { skip }, async () => {
  const ask = (target: string, method = 'GET', headers = {}): Promise<Came> =>
    send(edge.adminUrl, { target, method, headers });
  for (const target of ['/ready', '/stats', '/stats?usedonly', '/stats/prometheus']) {
    assert.equal((await ask(target)).status, 200, target);
  }
  for (const target of [
    ...['/quitquitquit', '/healthcheck/fail', '/drain_listeners', '/logging?level=trace', '/reset_counters'],
    ...[
      '/',
      '/help',
      '/config_dump',
      '/certs',
      '/clusters',
      '/server_info',
      '/cpuprofiler?enable=y',
      '/runtime',
    ],
    ...['/stats/', '/stats/recentlookups', '/stats/../quitquitquit', '/stats/prometheus/../../quitquitquit'],
  ]) {
    for (const method of ['GET', 'POST'])
      assert.equal((await ask(target, method)).status, 404, `${method} ${target}`);
  }
  assert.equal((await ask('/stats', 'POST')).status, 404);
  assert.equal((await ask('/stats', 'GET', { host: 'stranger.example' })).status, 404);
  assert.equal((await send(edge.restUrl, { target: BALANCE })).reason, 'UNAVAILABLE');
});

test('the admin page itself is on a socket of its own user', { skip }, async () => {
  assert.equal(statSync(edge.adminSocket).mode & 0o777, 0o600);
  assert.equal(await askAdmin(edge.adminSocket, 'GET', '/clusters'), 200);
  assert.equal(await askAdmin(edge.adminSocket, 'POST', '/drain_listeners?graceful'), 200);
});
