// docs/traces.md lists the spans and attributes that are really exported, all of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { actingAs, uniqueUsers, withKey, won } from '../api.ts';
import { type ApiClient, grpcClient, type Json, restClient } from '../api-client.ts';
import { startTestEdge } from '../edge.ts';
import { startWorkerProcess, type WorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { type ExportedSpan, type OtlpSink, startOtlpSink } from '../tracing/otlp-sink.ts';
import { until } from '../until.ts';

const PAGE = readFileSync(new URL('../../docs/traces.md', import.meta.url), 'utf8');
const options = { skip: withoutRedis || withoutEdge };

interface Row {
  readonly kind: string;
  readonly attributes: ReadonlySet<string>;
}

/** The rows of the table of spans, by each of the names in their first column. */
const ROWS = new Map<string, Row>(
  [...PAGE.matchAll(/^\| (`.*?) \| .*? \| (server|client|internal|consumer) \|(.*)\|$/gm)].flatMap(
    ([, names = '', kind = '', attributes = '']) => {
      const words = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
      // A hyphen stands for a value.
      const row = { kind, attributes: new Set(words(attributes).filter((word) => word !== '-')) };
      return words(names).map((name) => [name, row] as const);
    },
  ),
);

let sink: OtlpSink;
let stack: Stack;
let redis: OwnRedis;
let worker: WorkerProcess;
let edge: Envoy;
before(async () => {
  if (options.skip) return;
  sink = await startOtlpSink();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_TRACES_SAMPLER_ARG: '1' };
  stack = await startStack({ env });
  redis = await startOwnRedis();
  worker = await startWorkerProcess({ ...workerEnv(stack.database, redis.url), ...env });
  const settings = { tracing: { endpoint: sink.url, ratio: 1 } };
  edge = await startTestEdge(stack.logDir, [stack.app.grpcPort], { settings });
});
after(async () => {
  if (options.skip) return;
  await edge.stop();
  await worker.stop();
  await stack.stop();
  await redis.stop();
  await sink[Symbol.asyncDispose]();
});

/** Where the page has a span: under its name, or under what stands for many names. */
function nameInPage({ name, kind, attributes }: ExportedSpan): string {
  if (ROWS.has(name)) return name;
  const [folder] = /^(users|rooms)\.\w+$/.exec(name)?.slice(1) ?? [];
  if (folder) return `${folder}.METHOD`;
  if (attributes['ppuri.pool']) return 'STATEMENT';
  if (kind === 'consumer') return 'process JOB';
  return kind === 'server' && name.includes('/') ? 'SERVICE/METHOD' : name;
}

/** A bit of everything that leaves spans. */
async function live(client: ApiClient, [anna, bo]: readonly [number, number]): Promise<void> {
  const call = (rpc: string, request: Json, identity = withKey(anna)) =>
    client.call(`wallet.v2.${rpc}`, request, identity);
  const debit_wallet_id = await stack.as(anna).defaultWallet();
  const transfer = { debit_wallet_id, credit_user_id: String(bo), amount: won(1) };
  await call('TransferService/CreateTransfer', transfer);
  await call('TransferService/CreateTransfer', { ...transfer, amount: won(10 ** 12) });
  // Over REST the edge first asks the server about the headers of so large a body.
  const items = Array.from({ length: 10 }, () => ({ ...transfer, debit_wallet_id, memo: '가'.repeat(200) }));
  await call('TransferService/BatchCreateTransfers', {
    items: [...items, ...items, ...items],
    mode: 'BATCH_MODE_ALL_OR_NOTHING',
  });
  await call('UserService/GetUser', { user_id: String(anna) }, actingAs(anna));
  await call('UserService/UpdateUser', { user_id: String(anna), display_name: 'Anna' }, actingAs(anna));
  await call('RoomService/GetRoom', { room_id: 'none' }, actingAs(anna));
  await call('WalletService/ListTransactions', { wallet_id: debit_wallet_id }, actingAs(anna));
}

test('every span and every attribute that is exported is on the page', options, async () => {
  assert.ok(ROWS.size > 10, 'the page has a table of spans');
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1000);
  const grpc = grpcClient(edge.grpcAddress, stack.key);
  await live(restClient(edge.restUrl, stack.key), [anna, bo]);
  await live(grpc, [anna, bo]);
  grpc.close();
  const missing = () => {
    const seen = new Set(sink.spans.map(nameInPage));
    return [...ROWS.keys()].filter((name) => !seen.has(name));
  };
  await until('a span of each row', () => missing().length === 0).catch(() => {
    assert.deepEqual(missing(), [], 'rows of spans that nobody exported');
  });
  for (const span of sink.spans) {
    const row = ROWS.get(nameInPage(span));
    assert.equal(row?.kind, span.kind, `the kind of ${span.name}`);
    for (const name of Object.keys(span.attributes))
      assert.ok(row?.attributes.has(name), `${name} of ${span.name} is not on the page`);
  }
});

/** What only a fault shows. */
const OF_FAULTS = new Set(['error', 'error.type']);

test('every attribute on the page is exported', options, () => {
  for (const [name, { attributes }] of ROWS) {
    const spans = sink.spans.filter((span) => nameInPage(span) === name);
    // Some are there over gRPC only, or the other way round.
    const others = name.startsWith('edge.') ? sink.spans.filter((span) => span.service === 'ppuri-edge') : [];
    const seen = new Set([...spans, ...others].flatMap((span) => Object.keys(span.attributes)));
    const unseen = [...attributes].filter((attribute) => !seen.has(attribute) && !OF_FAULTS.has(attribute));
    assert.deepEqual(unseen, [], name);
  }
});
