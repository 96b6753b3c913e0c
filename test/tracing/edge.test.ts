// Traces through the edge: it continues its client's trace, and alone decides whether that is sampled.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { uniqueUsers } from '../api.ts';
import { overGrpc, overRest, type Transport } from '../auth/send.ts';
import { EDGE_SECRET, startTestEdge } from '../edge.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { type ExportedSpan, type OtlpSink, startOtlpSink } from './otlp-sink.ts';
import { newTraceparent, pay } from './paying.ts';

/** What Envoy says of a call at the longest after it: it exports every 5 s. */
const EXPORTED_WITHIN_MS = 30_000;
const TRANSFER = 'wallet.v1.WalletService/Transfer';

let sink: OtlpSink;
let stack: Stack;
let rest: Transport;
let grpc: Transport;
let users: readonly [number, number];
before(async () => {
  if (withoutEdge) return;
  sink = await startOtlpSink();
  stack = await startStack({
    // What this server samples, the edge has decided.
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_TRACES_SAMPLER_ARG: '0' },
    edge: { settings: { tracing: { endpoint: sink.url, ratio: 1 } } },
  });
  rest = overRest(stack.restUrl);
  grpc = overGrpc(stack.grpcAddress);
  const [anna = 0, bo = 0] = uniqueUsers(2);
  users = [anna, bo];
  await stack.addUsers(users);
  await stack.fund([anna], 1000);
});
after(async () => {
  if (withoutEdge) return;
  await grpc.close();
  await stack.stop();
  await sink[Symbol.asyncDispose]();
});
const options = { skip: withoutEdge };

/** The spans of a trace by their names; those of one name in their order. */
const spansOf = (traceId: string) => sink.spans.filter((span) => span.traceId === traceId);

test('a REST call is one trace: the client, the edge, the server, the batch, Postgres', options, async () => {
  const { traceId, traceparent } = newTraceparent();
  assert.equal(await pay(rest, stack.key, users, { traceparent }), 'OK');
  const isOf = (name: string) => (span: ExportedSpan) => span.traceId === traceId && span.name === name;
  const edge = await sink.find(isOf('edge.rest'), EXPORTED_WITHIN_MS);
  assert.deepEqual(
    [edge.service, edge.kind, edge.parentSpanId],
    ['ppuri-edge', 'server', '00f067aa0ba902b7'],
  );
  const call = await sink.find(isOf(TRANSFER));
  assert.deepEqual([call.service, call.parentSpanId], ['ppuri-server', edge.spanId]);
  assert.equal(call.attributes['ppuri.request_id'], edge.attributes['guid:x-request-id']);
  const batch = await sink.find(isOf('ledger.batch'));
  assert.equal(batch.parentSpanId, call.spanId);
  assert.equal((await sink.find(isOf('COMMIT'))).parentSpanId, batch.spanId);
  assert.ok(edge.start <= call.start, 'the edge comes first');
});

test(
  'a client does not decide that its trace is sampled, with the headers of an edge or without',
  options,
  async () => {
    const forged = newTraceparent();
    const headers = { traceparent: forged.traceparent, 'x-edge-traces': 'yes' };
    assert.equal(await pay(grpc, stack.key, users, { traceparent: forged.traceparent }), 'OK');
    assert.equal(await pay(grpc, stack.key, users, headers), 'OK');
    assert.equal(
      await pay(grpc, stack.key, users, { ...headers, 'x-edge-secret': 'a guess of the secret' }),
      'OK',
    );
    // With the secret it is an edge.
    const genuine = newTraceparent();
    const secret = { ...headers, traceparent: genuine.traceparent, 'x-edge-secret': EDGE_SECRET };
    assert.equal(await pay(grpc, stack.key, users, secret), 'OK');
    await sink.find(({ traceId, name }) => traceId === genuine.traceId && name === TRANSFER);
    assert.deepEqual(spansOf(forged.traceId), []);
  },
);

test(
  'an edge that samples nothing is followed, and one that does not trace decides nothing',
  options,
  async () => {
    const sampling = await startTestEdge(stack.logDir, [stack.app.grpcPort], {
      settings: { tracing: { endpoint: sink.url, ratio: 0 } },
    });
    const { traceId, traceparent } = newTraceparent();
    const state = { traceparent, tracestate: 'a=1', 'x-edge-traces': 'yes' };
    assert.equal(await pay(overRest(sampling.restUrl), stack.key, users, state), 'OK');
    await sampling.stop();
    const blind = await startTestEdge(stack.logDir, [stack.app.grpcPort]);
    assert.equal(await pay(overRest(blind.restUrl), stack.key, users, state), 'OK');
    await blind.stop();
    const last = newTraceparent();
    assert.equal(await pay(rest, stack.key, users, { traceparent: last.traceparent }), 'OK');
    await sink.find(
      ({ traceId, name }) => traceId === last.traceId && name === 'edge.rest',
      EXPORTED_WITHIN_MS,
    );
    assert.deepEqual(spansOf(traceId), []);
  },
);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const MALFORMED = [
  'garbage',
  '',
  '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
  `00-${TRACE}-0000000000000000-01`,
  `00-${TRACE}-00f067aa0ba902b7-01-more`,
  `01-${TRACE}-00f067aa0ba902b7-01-${'x'.repeat(8000)}`,
  `00-${TRACE}-00f067aa0ba902b7-0`,
  `00-${TRACE}-00f067aa0ba902b7-01, 00-${TRACE}-00f067aa0ba902b7-01`,
];
/** Envoy continues these all the same: it looks at their lengths and for hexadecimal digits. */
const VALID_FOR_ENVOY = [`00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`, `ff-${TRACE}-00f067aa0ba902b7-01`];

test(
  'a malformed traceparent, and a tracestate of any length, change nothing of a call',
  options,
  async () => {
    const tracestate = `a=${'x'.repeat(6000)}`;
    const payBy = async (transport: Transport, traceparent: string) =>
      assert.equal(await pay(transport, stack.key, users, { traceparent, tracestate }), 'OK', traceparent);
    for (const traceparent of MALFORMED) await payBy(rest, traceparent);
    for (const traceparent of [...MALFORMED, ...VALID_FOR_ENVOY]) await payBy(grpc, traceparent);
    // What came before this call has been exported with it.
    const last = newTraceparent();
    await payBy(rest, last.traceparent);
    for (const name of ['edge.rest', TRANSFER])
      await sink.find((span) => span.traceId === last.traceId && span.name === name, EXPORTED_WITHIN_MS);
    for (const span of sink.spans) assert.equal(span.traceState, '');
    assert.deepEqual(spansOf(TRACE), []);
    for (const traceparent of VALID_FOR_ENVOY) await payBy(rest, traceparent);
  },
);
