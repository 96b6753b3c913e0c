// The gRPC server: both versions' services behind the interceptors, health checks and reflection.
import { logVerbosity, Server, type ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { ApiKeyServiceService } from '../../gen/ts/admin/v1/api_key_service.ts';
import { AuditServiceService } from '../../gen/ts/admin/v1/audit_service.ts';
import { JobServiceService } from '../../gen/ts/admin/v1/job_service.ts';
import { StatisticsServiceService } from '../../gen/ts/admin/v1/statistics_service.ts';
import { RoomServiceService as RoomV1 } from '../../gen/ts/wallet/v1/room_service.ts';
import { SprinkleServiceService as SprinkleV1 } from '../../gen/ts/wallet/v1/sprinkle_service.ts';
import { UserServiceService as UserV1 } from '../../gen/ts/wallet/v1/user_service.ts';
import { WalletServiceService as WalletV1 } from '../../gen/ts/wallet/v1/wallet_service.ts';
import { PayoutServiceService as PayoutV2 } from '../../gen/ts/wallet/v2/payout_service.ts';
import { RoomServiceService as RoomV2 } from '../../gen/ts/wallet/v2/room_service.ts';
import { SprinkleServiceService as SprinkleV2 } from '../../gen/ts/wallet/v2/sprinkle_service.ts';
import { TransferServiceService as TransferV2 } from '../../gen/ts/wallet/v2/transfer_service.ts';
import { UserServiceService as UserV2 } from '../../gen/ts/wallet/v2/user_service.ts';
import { WalletServiceService as WalletV2 } from '../../gen/ts/wallet/v2/wallet_service.ts';
import type { AdmissionControl } from '../admission/index.ts';
import type { AuditTrail } from '../domain/act.ts';
import { type AdminCore, type Core, getApiKey, jobState } from '../usecases/index.ts';
import * as adminApiKeys from './admin/api-keys.ts';
import * as adminAudit from './admin/audit.ts';
import { type AuditOptions, withAudit } from './admin/audit-calls.ts';
import * as adminJobs from './admin/jobs.ts';
import * as adminStatistics from './admin/statistics.ts';
import { type CallObserver, observeCalls } from './call-observer.ts';
import { connectionOptions, MAX_STREAM_MS, type ServerTls, serverCredentials } from './connections.ts';
import { DESCRIPTOR_SET, SERVICES, warmUp } from './contracts.ts';
import { refuseEarly } from './early-refusals.ts';
import { errorDetailsInterceptor, handleUnknownMethods } from './error-details-interceptor.ts';
import { addHealth, HEALTH_SERVICE } from './health.ts';
import type { Interceptor } from './interceptor.ts';
import { admit, type Rates } from './interceptors/admit.ts';
import { auditRefusals } from './interceptors/audit-refusals.ts';
import { type Authentication, authenticator } from './interceptors/authenticate.ts';
import { authorize } from './interceptors/authorize.ts';
import { applyDefaultDeadline, limitStreamDuration } from './interceptors/deadlines.ts';
import { identifyCaller } from './interceptors/identify-caller.ts';
import { limitStreamsPerUser } from './interceptors/limit-streams-per-user.ts';
import { type ErrorMapping, mapErrors } from './interceptors/map-errors.ts';
import { persistNonce } from './interceptors/persist-nonce.ts';
import { type RecordCall, recordCalls } from './interceptors/record-calls.ts';
import { shedLoad } from './interceptors/shed-load.ts';
import { validateRequest } from './interceptors/validate-request.ts';
import { messageLimitsInterceptor } from './message-limits-interceptor.ts';
import { addReflection } from './reflection.ts';
import {
  type Handlers,
  type InterceptorChains,
  implementService,
  type Service,
  type ServiceImplementation,
} from './service.ts';
import { storedAnswers } from './stored-answers.ts';
import * as peopleV1 from './v1/people.ts';
import * as sprinkleV1 from './v1/sprinkle.ts';
import * as walletV1 from './v1/wallet.ts';
import * as payoutV2 from './v2/payout.ts';
import * as peopleV2 from './v2/people.ts';
import * as sprinkleV2 from './v2/sprinkle.ts';
import * as transferV2 from './v2/transfer.ts';
import * as walletV2 from './v2/wallet.ts';

/** How the server listens. */
export interface ServerOptions extends ErrorMapping {
  readonly authentication: Authentication;
  readonly admission: AdmissionControl;
  readonly rates: Rates;
  readonly recordCall: RecordCall;
  /** What admin.v1 works with; where there is none, its methods are unknown ones. */
  readonly admin: AdminCore | undefined;
  /** Told of acts of admin.v1, and of calls that are not let in or denied. */
  readonly trail: AuditTrail;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Whether clients may ask for the contracts (gRPC server reflection). */
  readonly reflection: boolean;
  /** Plain when undefined. */
  readonly tls: ServerTls | undefined;
  /** How long a call that names no deadline may take, in milliseconds. */
  readonly callTimeoutMs: number;
  /** How many calls may be under way; the ones above that are refused at once. */
  readonly maxInFlight: number;
  /** How long a connection is kept before its client is asked to open a new one, in milliseconds. */
  readonly maxConnectionAgeMs: number;
  /** Told of every call: ours, health checks, and of methods that there are not. */
  readonly calls: CallObserver;
}

/** A server that serves. */
export interface RunningServer {
  readonly port: number;
  /** What health checks are told of every service from now on; who watches is told of the change. */
  setServing(isServing: boolean): void;
  /** Takes no calls any more, ends streams, and resolves when the calls under way are finished; cuts those off that take longer. */
  stop(graceMs: number): Promise<void>;
}

/** Starts the server; it serves once this resolves. */
export async function startServer(core: Core, options: ServerOptions): Promise<RunningServer> {
  warmUp();
  // grpc-js would write every header that it cannot read to stderr, as a stranger sent it.
  setLogVerbosity(logVerbosity.NONE);
  const calls = observeCalls(options.calls);
  const server = new Server({
    interceptors: [calls.interceptor, errorDetailsInterceptor, messageLimitsInterceptor],
    'grpc.enable_channelz': 0,
    ...connectionOptions(options.maxConnectionAgeMs),
  });
  handleUnknownMethods(server);
  const authentication = authenticator(options.authentication);
  const implementations = services(core, options, authentication.interceptor);
  for (const { definition, implementation } of implementations) server.addService(definition, implementation);
  refuseEarly(server, {
    signedPaths: new Set(implementations.flatMap(pathsOf)),
    authenticator: authentication,
    calls: options.calls,
    recordCall: options.recordCall,
  });

  const health = addHealth(server, options.admin ? SERVICES : SERVICES.filter(isPublic));
  if (options.reflection) {
    addReflection(server, DESCRIPTOR_SET, [...SERVICES, HEALTH_SERVICE]);
  }

  const port = await listen(server, `${options.host}:${options.port}`, serverCredentials(options.tls));
  let wasServing = true;
  const setServing = (isServing: boolean) => {
    if (isServing === wasServing) return;
    wasServing = isServing;
    health.set(isServing);
  };
  const stop = async (graceMs: number) => {
    setServing(false);
    const isShut = shutDown(server, graceMs);
    // After the connections were told to go away, so that nobody opens a stream again on the same one.
    calls.endStreams();
    await isShut;
  };
  return { port, setServing, stop };
}

const pathsOf = ({ definition }: ServiceImplementation) => Object.values(definition).map(({ path }) => path);

const isPublic = (service: string) => !service.startsWith('admin.');

/** How many streams a user may have with a process at a time. */
const STREAMS_PER_USER = 10;

/** What is checked of a call is the same for all; what bounds its time and number is not. */
function interceptorChains(core: Core, options: ServerOptions, authenticate: Interceptor): InterceptorChains {
  const checks = [
    mapErrors(options),
    authenticate,
    auditRefusals(options.trail),
    // Before anything is read for a caller, so that what is refused is charged, too.
    admit(options.admission, options.rates),
    identifyCaller,
    authorize,
    validateRequest,
    persistNonce(core),
  ];
  return {
    unary: [
      recordCalls(options.recordCall),
      applyDefaultDeadline(options.callTimeoutMs),
      shedLoad(options.maxInFlight),
      ...checks,
    ],
    stream: [
      recordCalls((code) => options.recordCall(code)),
      limitStreamDuration(MAX_STREAM_MS),
      // Streams have places of their own, as many as looks have: one that is open takes none from other calls.
      shedLoad(options.maxInFlight),
      ...checks,
      limitStreamsPerUser(STREAMS_PER_USER),
    ],
  };
}

function services(core: Core, options: ServerOptions, authenticate: Interceptor): ServiceImplementation[] {
  const chains = interceptorChains(core, options, authenticate);
  return [
    implementService(WalletV1, walletV1.walletService(core), chains),
    implementService(SprinkleV1, sprinkleV1.sprinkleService(core), chains),
    implementService(UserV1, peopleV1.userService(core), chains),
    implementService(RoomV1, peopleV1.roomService(core), chains),
    implementService(WalletV2, walletV2.walletService(core), chains),
    implementService(TransferV2, transferV2.transferService(core, storedAnswers(core)), chains),
    implementService(SprinkleV2, sprinkleV2.sprinkleService(core), chains),
    implementService(PayoutV2, payoutV2.payoutService(core), chains),
    implementService(UserV2, peopleV2.userService(core), chains),
    implementService(RoomV2, peopleV2.roomService(core), chains),
    ...(options.admin ? adminServices(options.admin, options.trail, chains) : []),
  ];
}

/** Every call of these is on the audit trail. */
function adminServices(
  core: AdminCore,
  trail: AuditTrail,
  chains: InterceptorChains,
): ServiceImplementation[] {
  const keys = { trail, stateOf: (id: string) => getApiKey(core.keyAdmin, id).catch(() => undefined) };
  const jobs = { trail, stateOf: (job: string) => jobState(core.pool, job) };
  const serve = <S extends Service>(service: S, handlers: Handlers<S>, rules: AuditOptions) =>
    implementService(service, withAudit(service, handlers, rules), chains);
  return [
    serve(ApiKeyServiceService, adminApiKeys.apiKeyService(core.keyAdmin), keys),
    serve(JobServiceService, adminJobs.jobService(core), jobs),
    serve(StatisticsServiceService, adminStatistics.statisticsService(core), { trail }),
    serve(AuditServiceService, adminAudit.auditService(core), { trail }),
  ];
}

function listen(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
