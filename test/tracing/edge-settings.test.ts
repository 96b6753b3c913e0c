// The edge's settings of tracing: which share is sampled, and what is refused before Envoy starts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderEdge } from '../../envoy/render.ts';
import { tracingOf } from '../../envoy/tracing.ts';

const PLACES = {
  ...{ host: '127.0.0.1', restPort: 1, grpcPort: 2, adminPort: 3, adminSocket: '/tmp/admin.sock' },
  ...{ upstreams: [{ host: '127.0.0.1', port: 4 }], corsOrigins: [] },
};
const render = (endpoint: string, ratio?: number) =>
  renderEdge({ ...PLACES, tracing: { endpoint, ...(ratio !== undefined && { ratio }) } });

test('the share becomes a bound on random request ids', () => {
  const boundOf = (ratio?: number) =>
    /"string_value":"(\w+)"/.exec(render('http://collector:4318', ratio))?.[1];
  const [none, usual, tenth, all] = [boundOf(0), boundOf(), boundOf(0.1), boundOf(1)].map(String);
  assert.deepEqual([none, usual, tenth, all], ['00000000', '028f5c28', '19999999', 'g']);
  // As often as it should be, of ids as Envoy makes them.
  const ids = Array.from({ length: 20_000 }, () => crypto.randomUUID());
  const below = (bound = '') => ids.filter((id) => id < bound).length;
  assert.deepEqual([below(none), below(all)], [0, ids.length]);
  assert.ok(below(tenth) > 1_700 && below(tenth) < 2_300, `${below(tenth)} of 20,000 at 10 %`);
});

test('without a collector there is nothing of tracing', () => {
  assert.equal(tracingOf({}), undefined);
  assert.doesNotMatch(renderEdge({ ...PLACES }), /otel_collector|early_header_mutation|opentelemetry/);
  assert.deepEqual(tracingOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_TRACES_SAMPLER_ARG: '0.2' }), {
    endpoint: 'http://a:1',
    ratio: 0.2,
  });
});

test('a collector that cannot be reached so, and a share that is none, are refused', () => {
  assert.throws(() => render('https://collector:4318'), /OTEL_EXPORTER_OTLP_ENDPOINT/);
  assert.throws(() => render('collector:4318'), /OTEL_EXPORTER_OTLP_ENDPOINT/);
  for (const ratio of [-0.1, 1.1, Number.NaN])
    assert.throws(() => render('http://collector:4318', ratio), /OTEL_TRACES_SAMPLER_ARG/);
});
