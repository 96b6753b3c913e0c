// Where the cases' calls go to.
import type { SignedCall, Target } from '../generator/work.ts';
import { type Bench, requireKey } from './case.ts';

/** Signed calls over gRPC; those that move money get a new idempotency key each. */
export function overGrpc(bench: Bench, calls: readonly SignedCall[], movesMoney: boolean): Target {
  return {
    kind: 'grpc',
    address: bench.stack.grpcAddress,
    calls,
    key: requireKey(bench),
    isIdempotent: movesMoney,
  };
}

/** The same through Envoy. */
export function overRest(
  bench: Bench,
  url: string,
  calls: readonly SignedCall[],
  movesMoney: boolean,
): Target {
  return {
    kind: 'rest',
    url,
    calls,
    key: requireKey(bench),
    isIdempotent: movesMoney,
  };
}
