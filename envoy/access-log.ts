// The edge's access log: one line of JSON for each request, and for each connection that ended before it could be one, in
// Elastic Common Schema. What a client sends is escaped by Envoy. docs/logs.md lists the fields.

/**
 * A path that names an RPC, as gRPC clients send it and as the transcoder makes it of a path of REST. No other path is logged
 * whole: those of REST hold tokens of sprinkles and idempotency keys.
 */
const RPC_PATH = '/[a-z0-9.]+\\.v[0-9]+\\.[A-Za-z]+/[A-Za-z]+(\\?.*)?';
/** What is logged of other paths: enough to see which version was meant, or what somebody was looking for. */
const PATH_LENGTH = 12;

const EVERY_LINE = {
  '@timestamp': '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
  'log.level': 'info',
  'ecs.version': '8.17.0',
  'service.name': 'ppuri',
  'event.dataset': 'ppuri.edge',
  'event.id': '%UNIQUE_ID%',
  'event.kind': 'event',
  'client.address': '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  'ppuri.edge.connection_id': '%CONNECTION_ID%',
  'ppuri.edge.response_flags': '%RESPONSE_FLAGS%',
  'tls.version': '%DOWNSTREAM_TLS_VERSION%',
} as const;

/** The fields of a request besides its path. */
const REQUEST = {
  ...EVERY_LINE,
  message: 'request',
  'event.outcome':
    "%CEL(response.code >= 200 && response.code < 400 && (!has(response.grpc_status) || response.grpc_status == 0) ? 'success' : 'failure')%",
  'event.duration': '%COMMON_DURATION(DS_RX_BEG:DS_TX_END:ns)%',
  // Up to 64 characters of the client's own choice where the request was refused before the edge gave it an id.
  'http.request.id': '%REQ(x-request-id):64%',
  'http.request.method': '%REQ(x-envoy-original-method?:method)%',
  'http.request.body.bytes': '%BYTES_RECEIVED%',
  'http.response.status_code': '%RESPONSE_CODE%',
  'http.response.body.bytes': '%BYTES_SENT%',
  'http.version': '%PROTOCOL%',
  'trace.id': '%TRACE_ID%',
  'user_agent.original': '%REQ(user-agent):256%',
  'ppuri.grpc_status': '%GRPC_STATUS%',
  'ppuri.edge.response_details': '%RESPONSE_CODE_DETAILS%',
  'ppuri.edge.upstream': '%UPSTREAM_HOST%',
} as const;

/** The fields of a request whose path names an RPC. */
export const RPC_LINE = { ...REQUEST, 'url.path': '%PATH(NQ:PATH)%' } as const;
/** The fields of any other request. */
export const OTHER_LINE = { ...REQUEST, 'url.path': `%PATH(NQ:PATH):${PATH_LENGTH}%` } as const;
/** The fields of a connection that failed before there was a request. */
export const CONNECTION_LINE = {
  ...EVERY_LINE,
  message: 'connection failed',
  'event.outcome': 'failure',
  'event.reason': '%DOWNSTREAM_TRANSPORT_FAILURE_REASON%',
  'ppuri.edge.response_details': '%DOWNSTREAM_LOCAL_CLOSE_REASON%',
} as const;

/** `access_log` of listeners' requests; empty without a path. */
export function requestLog(path: string | undefined): object[] {
  if (path === undefined) return [];
  return [fileLog(path, RPC_LINE, pathFilter(false)), fileLog(path, OTHER_LINE, pathFilter(true))];
}

/** `access_log` of listeners themselves; empty without a path. */
export function connectionLog(path: string | undefined): object[] {
  if (path === undefined) return [];
  // TLS that failed, or bytes that are not of the protocol; the latter may also be a request that was refused.
  const filters = [
    celFilter("connection.transport_failure_reason != ''"),
    { response_flag_filter: { flags: ['DPE'] } },
  ];
  return [fileLog(path, CONNECTION_LINE, { or_filter: { filters } })];
}

function fileLog(path: string, fields: Readonly<Record<string, string>>, filter: object): object {
  return {
    name: 'envoy.access_loggers.file',
    filter,
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path,
      log_format: { json_format: fields, omit_empty_values: true },
    },
  };
}

function pathFilter(isInverted: boolean): object {
  const header = { name: ':path', string_match: { safe_regex: { regex: RPC_PATH } } };
  // A request that was not understood has no path.
  const inverted = { invert_match: true, treat_missing_header_as_empty: true };
  return { header_filter: { header: { ...header, ...(isInverted && inverted) } } };
}

function celFilter(expression: string): object {
  return {
    extension_filter: {
      name: 'envoy.access_loggers.extension_filters.cel',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
        expression,
      },
    },
  };
}
