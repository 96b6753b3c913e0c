// TLS and client certificates, for the server and for both listeners of the edge, with test certificates.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { certificateExpiry } from '../../src/runtime/certificate-expiry.ts';
import { type Authority, type CertificateFiles, makeAuthority } from '../certificates.ts';
import { startTestEdge } from '../edge.ts';
import { readMetrics } from '../runtime/ops-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const USER = '8801';
const HOST = 'ppuri.test';
const folder = mkdtempSync(join(tmpdir(), 'ppuri-tls-'));
const ours: Authority = makeAuthority(folder, 'ours');
const strangers: Authority = makeAuthority(folder, 'strangers');
const [server, client, stranger] = [ours.issue(HOST), ours.issue('client'), strangers.issue('client')];

let open: Stack;
let closed: Stack;
let edge: Envoy | undefined;
let lostEdge: Envoy | undefined;
before(async () => {
  const env = { GRPC_TLS_CERT: server.certFile, GRPC_TLS_KEY: server.keyFile };
  open = await startStack({ env });
  closed = await startStack({ env: { ...env, GRPC_TLS_CLIENT_CA: ours.caFile } });
  for (const stack of [open, closed]) await stack.addUsers([Number(USER)]);
  if (withoutEdge) return;
  const tls = { ...server, clientCaFile: ours.caFile };
  const upstreamTls = { caFile: ours.caFile, serverName: HOST, ...client };
  const ports = [closed.app.grpcPort];
  edge = await startTestEdge(join(folder, 'edge'), ports, { settings: { tls, upstreamTls } });
  const wrong = { ...upstreamTls, serverName: 'other.test' };
  lostEdge = await startTestEdge(join(folder, 'lost'), ports, {
    settings: { tls, upstreamTls: wrong },
    awaitsServer: false,
  });
});
after(async () => {
  await edge?.stop();
  await lostEdge?.stop();
  await open.stop();
  await closed.stop();
  rmSync(folder, { recursive: true });
});

interface Trust {
  readonly caFile: string;
  readonly shows?: CertificateFiles;
}

const anybody: Trust = { caFile: ours.caFile };
const known: Trust = { caFile: ours.caFile, shows: client };
const wrong: Trust = { caFile: ours.caFile, shows: stranger };

/** Makes a signed call over gRPC; its status. */
function callGrpc(address: string, stack: Stack, trust: Trust | 'plain'): Promise<status> {
  const shows = trust === 'plain' ? undefined : trust.shows;
  const channel =
    trust === 'plain'
      ? credentials.createInsecure()
      : credentials.createSsl(
          readFileSync(trust.caFile),
          shows ? readFileSync(shows.keyFile) : null,
          shows ? readFileSync(shows.certFile) : null,
        );
  const connection = new Client(address, channel, { 'grpc.ssl_target_name_override': HOST });
  const path = '/wallet.v1.WalletService/GetBalance';
  const metadata = new Metadata();
  const nothing = Buffer.alloc(0);
  const headers = signedHeaders({ method: 'POST', target: path, body: nothing }, { userId: USER }, stack.key);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 5000 };
    connection.makeUnaryRequest(
      path,
      asIs,
      asIs,
      nothing,
      metadata,
      options,
      (error: ServiceError | null) => {
        connection.close();
        resolve(error?.code ?? status.OK);
      },
    );
  });
}

/** Makes a signed call over REST; its answer. Throws when there is no connection. */
function callRest(url: string, trust: Trust): Promise<{ status: number | undefined; hsts: unknown }> {
  const target = '/api/v1/wallet/balance';
  const body = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    request(
      `${url}${target}`,
      {
        ca: readFileSync(trust.caFile),
        ...(trust.shows && {
          cert: readFileSync(trust.shows.certFile),
          key: readFileSync(trust.shows.keyFile),
        }),
        headers: signedHeaders({ method: 'GET', target, body }, { userId: USER }, closed.key),
      },
      (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode, hsts: answer.headers['strict-transport-security'] });
      },
    )
      .on('error', reject)
      .end();
  });
}

test('a server with TLS serves clients that trust its CA, and refuses plain text', async () => {
  assert.equal(await callGrpc(open.grpcAddress, open, anybody), status.OK);
  assert.equal(await callGrpc(open.grpcAddress, open, { caFile: strangers.caFile }), status.UNAVAILABLE);
  assert.equal(await callGrpc(open.grpcAddress, open, 'plain'), status.UNAVAILABLE);
});

test('a server that requires client certificates accepts only those of its CA', async () => {
  assert.equal(await callGrpc(closed.grpcAddress, closed, known), status.OK);
  assert.equal(await callGrpc(closed.grpcAddress, closed, anybody), status.UNAVAILABLE);
  assert.equal(await callGrpc(closed.grpcAddress, closed, wrong), status.UNAVAILABLE);
  assert.equal(await callGrpc(closed.grpcAddress, closed, 'plain'), status.UNAVAILABLE);
});

test('the REST listener with TLS, in front of a server with TLS', { skip: withoutEdge }, async () => {
  assert.ok(edge);
  const answer = await callRest(edge.restUrl, known);
  assert.deepEqual(answer, { status: 200, hsts: 'max-age=31536000' });
  await assert.rejects(callRest(edge.restUrl, anybody));
  await assert.rejects(callRest(edge.restUrl, wrong));
  await assert.rejects(callRest(edge.restUrl, { ...known, caFile: strangers.caFile }));
  await assert.rejects(fetch(edge.restUrl.replace('https:', 'http:')));
});

test('the gRPC listener with TLS, in front of a server with TLS', { skip: withoutEdge }, async () => {
  assert.ok(edge);
  assert.equal(await callGrpc(edge.grpcAddress, closed, known), status.OK);
  assert.equal(await callGrpc(edge.grpcAddress, closed, anybody), status.UNAVAILABLE);
  assert.equal(await callGrpc(edge.grpcAddress, closed, wrong), status.UNAVAILABLE);
  assert.equal(await callGrpc(edge.grpcAddress, closed, 'plain'), status.UNAVAILABLE);
});

test('an edge sends nothing to a server whose certificate has another name', {
  skip: withoutEdge,
}, async () => {
  assert.ok(lostEdge);
  assert.equal((await callRest(lostEdge.restUrl, known)).status, 503);
});

test('the page of metrics says how long each certificate lasts', async () => {
  const lasts = (file: string) => (certificateExpiry(readFileSync(file)) - Date.now()) / 1000;
  for (const [stack, files] of [
    [open, { server: server.certFile }],
    [closed, { server: server.certFile, client_ca: ours.caFile }],
  ] as const) {
    const samples = (await readMetrics(`http://127.0.0.1:${stack.app.opsPort}`)).filter(
      ({ name }) => name === 'ppuri_certificate_expiry_seconds',
    );
    assert.deepEqual(samples.map(({ labels }) => labels.certificate).sort(), Object.keys(files).sort());
    for (const { labels, value } of samples) {
      const file = Object.entries(files).find(([name]) => name === labels.certificate)?.[1] ?? '';
      assert.ok(Math.abs(value - lasts(file)) < 60, `${labels.certificate} lasts ${value} s`);
    }
  }
});
