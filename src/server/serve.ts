// Starts the gRPC server as the settings say, with what it logs, records and tells the audit trail.
import type { AdmissionControl } from '../admission/index.ts';
import { isUnreachable } from '../db/pool.ts';
import type { AuditTrail } from '../domain/act.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  CONTRACTS,
  createServer,
  type RecordCall,
  type RunningServer,
  unauthenticatedAct,
} from '../grpc/index.ts';
import { readNetworks } from '../keys/index.ts';
import type { Resources } from '../runtime/index.ts';
import type { AdminCore, Core } from '../usecases/index.ts';
import type { ServerKeys } from './api-keys.ts';
import type { ServerConfig } from './config.ts';

/** The calls that metrics count by name. */
export const CALL_PATHS = [
  ...CONTRACTS.keys(),
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
];
const RETRY_AFTER_MS = 1_000;

/** What calls pass besides the use cases. */
export interface ServingParts {
  readonly keys: ServerKeys;
  readonly admin: AdminCore | undefined;
  readonly admission: AdmissionControl;
  readonly trail: AuditTrail;
  readonly recordCall: RecordCall;
  /** Told when a call could not reach Postgres. */
  readonly onUnreachable: (error: Error) => void;
}

/** Starts the server; it answers calls once this resolves, and lets those under way finish when it is disposed of. */
export async function serve(
  { logs, metrics, defer }: Resources,
  config: ServerConfig,
  core: Core,
  { keys, admin, admission, trail, recordCall, onUnreachable }: ServingParts,
): Promise<RunningServer> {
  const server = await createServer(core, {
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
    calls: metrics.calls,
    explain: (error) => {
      if (!isUnreachable(error)) return undefined;
      onUnreachable(error);
      return new Refusal('UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
    },
    report: (error, about) => logs.app.error({ err: error, ...about }, 'a call failed'),
  });
  defer(() => server.stop(0.9 * config.stopGraceMs));
  return server;
}
