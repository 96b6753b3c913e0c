// The gRPC health checking protocol (grpc.health.v1), for the edge, orchestrators and clients.
import type { Server, ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** The full name of the health service. */
export const HEALTH_SERVICE = 'grpc.health.v1.Health';

/** The state that health checks report. */
export interface Health {
  /** Sets the state of every service, and sends it to the streams that watch. */
  set(isServing: boolean): void;
}

type Watch = ServerWritableStream<{ readonly service: string }, { readonly status: string }>;

/**
 * Adds health checks for services to a server; the empty name is the server as a whole. A watch of an unknown name gets
 * SERVICE_UNKNOWN and is not remembered: no services are added later, and strangers could fill the memory with names.
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
