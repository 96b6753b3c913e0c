// Health checks by the gRPC health checking protocol, for anybody who asks: the edge, orchestrators, clients.
import type { Server, ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** The full name of the health service. */
export const HEALTH_SERVICE = 'grpc.health.v1.Health';

/** What health checks are told. */
export interface Health {
  /** Of every service from now on; who watches is told of the change. */
  set(isServing: boolean): void;
}

type Watch = ServerWritableStream<{ readonly service: string }, { readonly status: string }>;

/**
 * Adds health checks for services to a server; the empty name stands for the server as a whole. Services do not come later,
 * so who watches a name that is none is told so and not remembered: strangers could fill the memory with names.
 */
export function addHealth(server: Server, services: readonly string[]): Health {
  const names = ['', ...services];
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, 'SERVING'])));
  health.addToServer({
    addService: (definition, implementation) => {
      const handlers = implementation as UntypedServiceImplementation;
      const watch = (call: Watch) => {
        if (names.includes(call.request.service)) (handlers.watch as (call: Watch) => void)(call);
        else call.write({ status: 'SERVICE_UNKNOWN' });
      };
      server.addService(definition, { ...handlers, watch });
    },
  });
  return {
    set: (isServing) => {
      for (const name of names) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
    },
  };
}
