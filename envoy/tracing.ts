// Tracing at the edge: Envoy's own OpenTelemetry tracer, which makes the first span of a call and passes its context on.

/** Where the edge exports spans to, and of how many calls. */
export interface EdgeTracing {
  /** A collector that takes OTLP over plain HTTP, without `/v1/traces`; what needs TLS or a key is a matter of a collector beside the edge. */
  readonly endpoint: string;
  /** The share of calls that is sampled, from 0 to 1; 0.01 when left out. */
  readonly ratio?: number;
}

/** What tracing adds to the template; every part is undefined, and its line left out, where the edge traces nothing. */
export interface TracingParts {
  /** Of the listeners. */
  readonly rest: object | undefined;
  readonly grpc: object | undefined;
  readonly earlyMutations: readonly object[] | undefined;
  /** States to the server, beside the edge's secret, that the traceparent is the edge's own. */
  readonly statement: object | undefined;
  readonly cluster: object | undefined;
}

const DEFAULT_RATIO = 0.01;
const CLUSTER = 'otel_collector';
/** As long as an export may take; the tracer drops what it cannot send. */
const TIMEOUT = '5s';

/** The settings in the variables that servers and workers read too. Throws a RangeError where they are not to be used. */
export function tracingOf(env: NodeJS.ProcessEnv): EdgeTracing | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = env;
  if (!endpoint) return undefined;
  return { endpoint, ...(ratio && { ratio: Number(ratio) }) };
}

/** The parts of the template for these settings. Throws a RangeError where they cannot be used. */
export function tracingParts(tracing: EdgeTracing | undefined): TracingParts {
  if (!tracing)
    return {
      rest: undefined,
      grpc: undefined,
      earlyMutations: undefined,
      statement: undefined,
      cluster: undefined,
    };
  const { endpoint, ratio = DEFAULT_RATIO } = tracing;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'http:')
    throw new RangeError(
      'the collector of the edge (OTEL_EXPORTER_OTLP_ENDPOINT): a URL that starts with http://',
    );
  if (!(ratio >= 0 && ratio <= 1))
    throw new RangeError(
      'the share of calls that are sampled (OTEL_TRACES_SAMPLER_ARG): a number from 0 to 1',
    );
  const listener = (name: string) => tracingConfig(name, `${endpoint.replace(/\/+$/, '')}/v1/traces`, ratio);
  return {
    rest: listener('edge.rest'),
    grpc: listener('edge.grpc'),
    earlyMutations: EARLY_MUTATIONS,
    statement: {
      append: {
        header: { key: 'x-edge-traces', value: 'yes' },
        append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
      },
    },
    cluster: collectorCluster(url.hostname, Number(url.port || 80)),
  };
}

/** Texts of clients would stand in spans; Envoy makes attributes of them before any filter can take them away. */
const EARLY_MUTATIONS = [
  {
    name: 'envoy.http.early_header_mutation.header_mutation',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
      mutations: [
        // Nobody behind the edge reads it, and it may be as long as all headers together.
        { remove: 'tracestate' },
        { remove: 'x-client-trace-id' },
        { remove: 'x-envoy-downstream-service-cluster' },
      ],
    },
  },
];

/** Attributes that Envoy makes of what clients write: paths with ids and tokens, hosts, names of programs, our own error texts. */
const CLIENTS_TEXTS = [
  ...[
    'http.url',
    'user_agent',
    'grpc.path',
    'grpc.authority',
    'grpc.timeout',
    'grpc.content_type',
    'grpc.message',
  ],
];

function tracingConfig(name: string, uri: string, ratio: number): object {
  return {
    operation: name,
    custom_tags: [
      ...CLIENTS_TEXTS.map((tag) => ({ tag, literal: { value: '-' } })),
      // A client of HTTP/2 may send any text as its method.
      { tag: 'http.method', value: '%REQ(:METHOD):7%' },
    ],
    provider: {
      name: 'envoy.tracers.opentelemetry',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
        http_service: { http_uri: { uri, cluster: CLUSTER, timeout: TIMEOUT } },
        service_name: 'ppuri-edge',
        sampler: {
          name: 'envoy.tracers.opentelemetry.samplers.cel',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.tracers.opentelemetry.samplers.v3.CELSamplerConfig',
            expression: { cel_expr_parsed: { expr: requestIdBelow(thresholdOf(ratio)) } },
          },
        },
      },
    },
  };
}

/**
 * `request.id < threshold`, parsed. The id is the one that the edge has just made, so a client has no influence on it:
 * neither by the sampled flag of its traceparent, which Envoy would follow, nor by the id of its trace, by which Envoy's
 * ratio sampler decides.
 */
function requestIdBelow(threshold: string): object {
  const request = { id: 3, ident_expr: { name: 'request' } };
  const id = { id: 2, select_expr: { operand: request, field: 'id' } };
  const bound = { id: 4, const_expr: { string_value: threshold } };
  return { id: 1, call_expr: { function: '_<_', args: [id, bound] } };
}

/** The first eight hexadecimal digits of a random UUID are below this one with the probability `ratio`. */
function thresholdOf(ratio: number): string {
  // No digit is a g.
  return ratio === 1
    ? 'g'
    : Math.floor(ratio * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
}

/** Only a few exports may wait for a collector that hangs. */
function collectorCluster(host: string, port: number): object {
  const address = { socket_address: { address: host, port_value: port } };
  return {
    name: CLUSTER,
    type: 'STRICT_DNS',
    connect_timeout: '1s',
    circuit_breakers: { thresholds: [{ max_connections: 2, max_pending_requests: 8, max_requests: 16 }] },
    load_assignment: { cluster_name: CLUSTER, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}
