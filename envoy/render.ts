// Fills the template envoy.yaml with settings. As a program it prints the result: node envoy/render.ts settings.json
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Deprecation, deprecationHeaders, securityHeaders } from './answer-headers.ts';
import { grpcElsewhere, grpcReplies, restReplies } from './local-replies.ts';
import { restContract, restServices } from './rest-contract.ts';
import { type ListenerTls, listenerSocket, type UpstreamTls, upstreamSocket } from './transport-sockets.ts';

/** An address to connect to. */
export interface Endpoint {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** The settings of an edge; docs/edge.md explains them. */
export interface EdgeSettings {
  /** The IP address that both listeners bind to. */
  readonly host: string;
  readonly restPort: number;
  readonly grpcPort: number;
  /** On 127.0.0.1, and only for `/ready`, `/stats` and `/stats/prometheus`. */
  readonly adminPort: number;
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
   * twice that. EDGE_RATE_PER_SECOND of the environment when left out, and 1,000 without it: as much as the servers take
   * from one address by default (IP_RATE_PER_SECOND).
   */
  readonly addressRatePerSecond?: number;
  /** The deprecation of each version of the REST API, which is announced on every answer. */
  readonly deprecations?: { readonly v1?: Deprecation; readonly v2?: Deprecation };
}

const TEMPLATE = new URL('./envoy.yaml', import.meta.url);
const SCRIPTS = ['./wrong-signatures.lua', './strict-rest.lua'].map((file) => new URL(file, import.meta.url));
const DESCRIPTOR = fileURLToPath(new URL('../gen/descriptor.binpb', import.meta.url));

/** The configuration to give to `envoy -c`; EDGE_SECRET has to be in Envoy's environment. */
export function renderEdge(settings: EdgeSettings): string {
  const services = restServices(DESCRIPTOR);
  const security = securityHeaders(settings.tls !== undefined);
  const values: Readonly<Record<string, unknown>> = {
    HOST: settings.host,
    REST_PORT: settings.restPort,
    GRPC_PORT: settings.grpcPort,
    ADMIN_PORT: settings.adminPort,
    ADMIN_SOCKET: settings.adminSocket,
    ADDRESS_BUCKET: addressBucket(
      settings.addressRatePerSecond ?? Number(process.env.EDGE_RATE_PER_SECOND ?? 1000),
    ),
    DESCRIPTOR,
    REST_SERVICES: services,
    STRICT_REST: [
      restContract(DESCRIPTOR, services),
      ...SCRIPTS.map((file) => readFileSync(file, 'utf8')),
    ].join('\n'),
    UPSTREAMS: settings.upstreams.map(({ host, port }) => ({
      endpoint: { address: { socket_address: { address: host, port_value: port } } },
    })),
    CORS_ORIGINS: settings.corsOrigins.map((exact) => ({ exact })),
    CORS_ORIGIN: { safe_regex: { regex: anyOf(settings.corsOrigins) } },
    LISTENER_SOCKET: listenerSocket(settings.tls),
    UPSTREAM_SOCKET: upstreamSocket(settings.upstreamTls),
    TRUSTED_HOPS: settings.trustedHops ?? 0,
    SECURITY_HEADERS: security.map((append) => ({ append })),
    V1_HEADERS: deprecationHeaders(settings.deprecations?.v1),
    V2_HEADERS: deprecationHeaders(settings.deprecations?.v2),
    GRPC_ELSEWHERE: grpcElsewhere(),
    REST_REPLIES: restReplies(security),
    GRPC_REPLIES: grpcReplies(),
  };
  // JSON is YAML, so JSON values need no other escaping.
  return readFileSync(TEMPLATE, 'utf8').replaceAll(/\$\{(\w+)\}/g, (placeholder, name: string) => {
    if (!(name in values)) throw new Error(`envoy.yaml has ${placeholder}, which has no value`);
    return JSON.stringify(values[name]);
  });
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

if (import.meta.main) {
  console.log(renderEdge(JSON.parse(readFileSync(process.argv[2] ?? '/dev/stdin', 'utf8')) as EdgeSettings));
}
