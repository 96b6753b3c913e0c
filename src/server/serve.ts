// Starts the gRPC server as the settings say, with what it logs, records and tells the audit trail.
import type { AdmissionControl } from '../admission/index.ts';
import { isUnreachable } from '../db/pool.ts';
import type { AuditTrail } from '../domain/act.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  AUTHENTICATION_CAUSES,
  CONTRACTS,
  createServer,
  type RecordCall,
  type RunningServer,
  unauthenticatedAct,
} from '../grpc/index.ts';
import { readNetworks } from '../keys/index.ts';
import { certificateExpiry, type Resources } from '../runtime/index.ts';
import type { AdminCore, Core } from '../usecases/index.ts';
import type { ServerKeys } from './api-keys.ts';
import type { ServerConfig } from './config.ts';

/** The name of a server in traces, and the calls that metrics count by name. */
export const ABOUT = {
  serviceName: 'ppuri-server',
  paths: [...CONTRACTS.keys(), '/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/Watch'],
  streams: [...CONTRACTS].filter(([, { isStream }]) => isStream).map(([path]) => path),
};
const RETRY_AFTER_MS = 1_000;

/** What calls pass besides the use cases. */
export interface ServingParts {
  readonly keys: ServerKeys;
  readonly admin: AdminCore | undefined;
  readonly admission: AdmissionControl;
  readonly trail: AuditTrail;
  readonly recordCall: RecordCall;
  /** Called when a call could not reach Postgres. */
  readonly onUnreachable: (error: Error) => void;
}

/** Starts the server; it answers calls once this resolves, and lets those under way finish when it is disposed of. */
export async function serve(
  { logs, metrics, tracing, use }: Resources,
  config: ServerConfig,
  core: Core,
  { keys, admin, admission, trail, recordCall, onUnreachable }: ServingParts,
): Promise<RunningServer> {
  const countFailure = metrics.authentication(AUTHENTICATION_CAUSES);
  const server = use(
    await createServer(core, {
      recordCall,
      admin,
      trail,
      admission,
      rates: config.rates,
      authentication: {
        ring: keys.ring,
        edgeSecret: config.edgeSecret,
        allowsGlobally: readNetworks(config.allowedNetworks, 'ALLOWED_NETWORKS'),
        onFailure: (failure) => {
          countFailure(failure.cause);
          logs.app.debug(failure, 'a call was not let in');
          trail.sample(unauthenticatedAct(failure));
        },
      },
      host: config.grpcHost,
      port: config.grpcPort,
      reflection: config.grpcReflection,
      tls: config.grpcTls,
      callTimeoutMs: config.callTimeoutMs,
      maxInFlight: config.maxInFlight,
      maxConnectionAgeMs: config.maxConnectionAgeMs,
      // The rest of the time is for what the calls use.
      stopGraceMs: 0.9 * config.stopGraceMs,
      calls: metrics.calls,
      tracer: tracing?.calls,
      explain: (error) => {
        if (!isUnreachable(error)) return undefined;
        onUnreachable(error);
        return new Refusal('UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
      },
      report: (error, about) => logs.app.error({ err: error, ...about }, 'a call failed'),
    }),
  );
  const { cert, clientCa } = config.grpcTls ?? {};
  if (cert) metrics.states.certificate('server', certificateExpiry(cert));
  if (clientCa) metrics.states.certificate('client_ca', certificateExpiry(clientCa));
  return server;
}
