// Fills the template envoy.yaml with settings; `npm run edge` prints the result.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ADDRESS_RATE_PER_SECOND } from '../src/server/config.ts';
import { connectionLog, requestLog } from './access-log.ts';
import { type Deprecation, deprecationHeaders, securityHeaders } from './answer-headers.ts';
import { grpcElsewhere, grpcReplies, restReplies } from './local-replies.ts';
import { restContract, restServices } from './rest-contract.ts';
import { type EdgeTracing, tracingOf, tracingParts } from './tracing.ts';
import { type ListenerTls, listenerSocket, type UpstreamTls, upstreamSocket } from './transport-sockets.ts';

/** An address to connect to. */
export interface Endpoint {
  /** An IP address or a DNS name; each address that a name has is a server of its own. */
  readonly host: string;
  readonly port: number;
}

/** The settings of an edge; docs/edge.md explains them. */
export interface EdgeSettings {
  /** The IP address that both listeners bind to. */
  readonly host: string;
  readonly restPort: number;
  readonly grpcPort: number;
  /** Only for `/ready`, `/stats` and `/stats/prometheus`. */
  readonly adminPort: number;
  /**
   * The IP address of that port; 127.0.0.1 when left out, and then it answers under that name and `localhost` only. Another
   * one, under which it answers to any name, belongs into a network that Prometheus and nobody else reaches.
   */
  readonly statsHost?: string;
  /** The path of the Unix socket of Envoy's admin page; at most 107 bytes. */
  readonly adminSocket: string;
  /** The server processes; calls go to the healthy ones. */
  readonly upstreams: readonly Endpoint[];
  /** Web pages of these origins may call over gRPC-Web. */
  readonly corsOrigins: readonly string[];
  /** TLS on both listeners; without it they are not encrypted. */
  readonly tls?: ListenerTls;
  /** TLS to the servers; without it connections are not encrypted. */
  readonly upstreamTls?: UpstreamTls;
  /**
   * How many proxies of ours every call passes before it gets here. Each adds the address it saw to x-forwarded-for;
   * that many entries from its right end are trusted and no more. 0 when left out: the client is who connects.
   */
  readonly trustedHops?: number;
  /**
   * Calls a second that one client address may make on each listener (a /64 counts as one address in IPv6); the burst is
   * twice that. When left out it is 1,000, as much as the servers take from one address by default (IP_RATE_PER_SECOND).
   * `npm run edge` takes EDGE_RATE_PER_SECOND of its environment where the settings leave it out.
   */
  readonly addressRatePerSecond?: number;
  /**
   * Where spans are exported to. OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER_ARG of the environment when left out,
   * and without them nowhere.
   */
  readonly tracing?: EdgeTracing;
  /** The path of the access log, in a folder that exists; without it there is none. */
  readonly accessLog?: string;
  /** The deprecation of each version of the REST API, which is announced on every answer. */
  readonly deprecations?: { readonly v1?: Deprecation; readonly v2?: Deprecation };
}

const LOOPBACK = '127.0.0.1';
const TEMPLATE = new URL('./envoy.yaml', import.meta.url);
/** In this order: each uses what those before it define. */
const SCRIPTS = ['./wrong-signatures.lua', './server-sent-events.lua', './strict-rest.lua'].map(
  (file) => new URL(file, import.meta.url),
);
const DESCRIPTOR = fileURLToPath(new URL('../gen/descriptor.binpb', import.meta.url));

/** The configuration to give to `envoy -c`; EDGE_SECRET has to be in Envoy's environment. */
export function renderEdge(settings: EdgeSettings): string {
  const services = restServices(DESCRIPTOR);
  const security = securityHeaders(settings.tls !== undefined);
  const tracing = tracingParts(settings.tracing ?? tracingOf(process.env));
  const values: Readonly<Record<string, unknown>> = {
    HOST: settings.host,
    REST_PORT: settings.restPort,
    GRPC_PORT: settings.grpcPort,
    ADMIN_PORT: settings.adminPort,
    ADMIN_SOCKET: settings.adminSocket,
    STATS_HOST: settings.statsHost ?? LOOPBACK,
    // No other name: a web page whose name is made to point here stays outside.
    STATS_NAMES: settings.statsHost === undefined ? [LOOPBACK, 'localhost'] : ['*'],
    ADDRESS_BUCKET: addressBucket(settings.addressRatePerSecond ?? ADDRESS_RATE_PER_SECOND),
    // As a whole, so that the configuration works on a machine without this repository.
    DESCRIPTOR: readFileSync(DESCRIPTOR).toString('base64'),
    REST_SERVICES: services,
    STRICT_REST: [
      restContract(DESCRIPTOR, services),
      ...SCRIPTS.map((file) => readFileSync(file, 'utf8')),
    ].join('\n'),
    // Envoy resolves names again every 5 s.
    UPSTREAM_TYPE: settings.upstreams.every(({ host }) => isIP(host)) ? 'STATIC' : 'STRICT_DNS',
    UPSTREAMS: settings.upstreams.map(({ host, port }) => ({
      endpoint: { address: { socket_address: { address: host, port_value: port } } },
    })),
    CORS_ORIGINS: settings.corsOrigins.map((exact) => ({ exact })),
    CORS_ORIGIN: { safe_regex: { regex: anyOf(settings.corsOrigins) } },
    REQUEST_LOG: requestLog(settings.accessLog),
    CONNECTION_LOG: connectionLog(settings.accessLog),
    LISTENER_SOCKET: listenerSocket(settings.tls),
    UPSTREAM_SOCKET: upstreamSocket(settings.upstreamTls),
    TRUSTED_HOPS: settings.trustedHops ?? 0,
    SECURITY_HEADERS: security.map((append) => ({ append })),
    V1_HEADERS: deprecationHeaders(settings.deprecations?.v1),
    V2_HEADERS: deprecationHeaders(settings.deprecations?.v2),
    GRPC_ELSEWHERE: grpcElsewhere(),
    REST_REPLIES: restReplies(security),
    GRPC_REPLIES: grpcReplies(),
    REST_TRACING: tracing.rest,
    GRPC_TRACING: tracing.grpc,
    EARLY_MUTATIONS: tracing.earlyMutations,
    TRACING_STATEMENT: tracing.statement,
    COLLECTOR: tracing.cluster,
  };
  return fill(readFileSync(TEMPLATE, 'utf8'), values);
}

/** Fills the placeholders. A line whose placeholder stands for undefined is left out. */
function fill(template: string, values: Readonly<Record<string, unknown>>): string {
  const lines = template.split('\n').flatMap((line) => {
    const names = [...line.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name ?? '');
    const missing = names.find((name) => !(name in values));
    if (missing) throw new Error(`envoy.yaml has \${${missing}}, which has no value`);
    if (names.some((name) => values[name] === undefined)) return [];
    // JSON is YAML, so JSON values need no other escaping.
    return [line.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => JSON.stringify(values[name]))];
  });
  return lines.join('\n');
}

function addressBucket(perSecond: number): object {
  if (!Number.isSafeInteger(perSecond) || perSecond < 1 || perSecond > 1_000_000)
    throw new RangeError(
      'calls a second of an address (EDGE_RATE_PER_SECOND): an integer from 1 to 1,000,000',
    );
  return { max_tokens: 2 * perSecond, tokens_per_fill: perSecond, fill_interval: '1s' };
}

/** A regular expression that matches one of the texts; it matches nothing if there are none. */
function anyOf(texts: readonly string[]): string {
  if (texts.length === 0) return '[^\\s\\S]';
  return texts.map((text) => text.replaceAll(/[^\w:/-]/g, '\\$&')).join('|');
}
