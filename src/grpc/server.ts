// The gRPC server: the services behind the interceptors, health checks and reflection.
import { logVerbosity, Server, type ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import type { AdminCore, Core } from '../usecases/index.ts';
import { type CallObserver, observeCalls } from './call-observer.ts';
import { connectionOptions, type ServerTls, serverCredentials } from './connections.ts';
import { DESCRIPTOR_SET, SERVICES, warmUp } from './contracts.ts';
import { refuseEarly } from './early-refusals.ts';
import { errorDetailsInterceptor, handleUnknownMethods } from './error-details-interceptor.ts';
import { implementService, pathsOf, serviceName } from './handlers.ts';
import { addHealth, HEALTH_SERVICE } from './health.ts';
import {
  type Authentication,
  createAuthenticator,
  type InterceptorOptions,
  interceptorChains,
} from './interceptors/index.ts';
import { messageLimitsInterceptor } from './message-limits-interceptor.ts';
import { addReflection } from './reflection.ts';
import { adminServices, publicServices } from './services.ts';

/** What the server depends on, and how it listens. */
export interface ServerOptions extends InterceptorOptions {
  readonly authentication: Authentication;
  /** What admin.v1 depends on; undefined where the server does not offer it, and its methods are unknown ones. */
  readonly admin: AdminCore | undefined;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Whether clients may ask for the contracts (gRPC server reflection). */
  readonly reflection: boolean;
  /** Plain when undefined. */
  readonly tls: ServerTls | undefined;
  /** The age at which a connection's client is asked to open a new one, in milliseconds. */
  readonly maxConnectionAgeMs: number;
  /** How long calls in flight may take once the server is disposed of, in milliseconds; then they are cancelled. */
  readonly stopGraceMs: number;
  /** Observes every call: of our services, health checks, and of unknown methods. */
  readonly calls: CallObserver;
}

/** A server that has started. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** Sets what health checks answer for every service from now on, and tells their watchers. */
  setServing(isServing: boolean): void;
  /** Accepts no more calls, ends streams, and resolves when the calls in flight have finished or were cancelled. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts the server; it serves once this resolves. */
export async function createServer(core: Core, options: ServerOptions): Promise<RunningServer> {
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
  const { admin, trail } = options;
  const services = [...publicServices(core), ...(admin ? adminServices(admin, trail) : [])];
  const authenticator = createAuthenticator(options.authentication);
  const chains = interceptorChains(core, authenticator, options);
  for (const { definition, handlers } of services) {
    const { methods, implementation } = implementService(definition, handlers, chains);
    server.addService(methods, implementation);
  }
  refuseEarly(server, {
    signedPaths: new Set(services.flatMap(({ definition }) => pathsOf(definition))),
    authenticator,
    calls: options.calls,
    recordCall: options.recordCall,
  });
  const names = services.map(({ definition }) => serviceName(definition));
  const health = addHealth(server, names);
  if (options.reflection) addReflection(server, DESCRIPTOR_SET, [...SERVICES, HEALTH_SERVICE]);

  const port = await listen(server, `${options.host}:${options.port}`, serverCredentials(options.tls));
  let wasServing = true;
  const setServing = (isServing: boolean) => {
    if (isServing === wasServing) return;
    wasServing = isServing;
    health.set(isServing);
  };
  const dispose = async () => {
    setServing(false);
    const isShut = shutDown(server, options.stopGraceMs);
    // After GOAWAY, so that no client opens its stream again on the same connection.
    calls.endStreams();
    await isShut;
  };
  return { port, setServing, [Symbol.asyncDispose]: dispose };
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
