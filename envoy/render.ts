// Fills envoy.yaml with where things are; run by itself it prints the result: node envoy/render.ts settings.json
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { grpcElsewhere, grpcReplies, restReplies } from './local-replies.ts';

/** A place to connect to. */
export interface Endpoint {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** What differs from one place where the edge runs to the next. */
export interface EdgeSettings {
  /** The IP address that both listeners bind to; the admin page is always on 127.0.0.1. */
  readonly host: string;
  readonly restPort: number;
  readonly grpcPort: number;
  readonly adminPort: number;
  /** The server processes; calls go to the healthy ones. */
  readonly upstreams: readonly Endpoint[];
  /** Web pages of these origins may call over gRPC-Web. */
  readonly corsOrigins: readonly string[];
}

const TEMPLATE = new URL('./envoy.yaml', import.meta.url);
const DESCRIPTOR = fileURLToPath(new URL('../gen/descriptor.binpb', import.meta.url));

/** The configuration to give to `envoy -c`; EDGE_SECRET has to be in Envoy's environment. */
export function renderEdge(settings: EdgeSettings): string {
  const values: Readonly<Record<string, unknown>> = {
    HOST: settings.host,
    REST_PORT: settings.restPort,
    GRPC_PORT: settings.grpcPort,
    ADMIN_PORT: settings.adminPort,
    DESCRIPTOR,
    UPSTREAMS: settings.upstreams.map(({ host, port }) => ({
      endpoint: { address: { socket_address: { address: host, port_value: port } } },
    })),
    CORS_ORIGINS: settings.corsOrigins.map((exact) => ({ exact })),
    GRPC_ELSEWHERE: grpcElsewhere(),
    REST_REPLIES: restReplies(),
    GRPC_REPLIES: grpcReplies(),
  };
  // JSON is YAML, so a value of any shape goes in as it is, whatever characters a path has.
  return readFileSync(TEMPLATE, 'utf8').replaceAll(/\$\{(\w+)\}/g, (placeholder, name: string) => {
    if (!(name in values)) throw new Error(`envoy.yaml has ${placeholder}, which nobody fills`);
    return JSON.stringify(values[name]);
  });
}

if (import.meta.main) {
  console.log(renderEdge(JSON.parse(readFileSync(process.argv[2] ?? '/dev/stdin', 'utf8')) as EdgeSettings));
}
