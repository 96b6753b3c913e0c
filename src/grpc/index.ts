// The gRPC server: contracts, interceptors, and the services of wallet.v1, wallet.v2 and admin.v1 over the use cases.
//
// server.ts starts it. A call passes early-refusals.ts (on the HTTP/2 stream), the interceptors of grpc-js in server.ts,
// then handlers.ts with the chain of interceptors/index.ts, and its handler in v1/, v2/ or admin/. services.ts is the table
// of services; contracts.ts reads everything else that is declared once, in proto/. Other folders import this file only.

export type { CallSpan } from './call-context.ts';
export type { CallObserver } from './call-observer.ts';
export type { ServerTls } from './connections.ts';
export { CONTRACTS } from './contracts.ts';
export {
  AUTHENTICATION_CAUSES,
  type CallTracer,
  type RecordCall,
  type TracedCall,
  unauthenticatedAct,
} from './interceptors/index.ts';
export { createServer, type RunningServer, type ServerOptions } from './server.ts';
