// Reads the caller from the headers that the contract requires: acting user, room and idempotency key.

import { signerOf } from '../call-context.ts';
import { fingerprintOf, readCaller } from '../caller.ts';
import type { Interceptor } from '../interceptor.ts';

/** Refuses INVALID_HEADER and IDEMPOTENCY_KEY_REQUIRED. */
export const identifyCaller: Interceptor = (call, next) => {
  const { key, signedAt, clientAddress } = signerOf(call);
  const info = {
    id: call.requestId,
    deadlineMs: call.deadlineMs,
    keyId: key.id,
    clientAddress,
    rpc: call.path.slice(1),
    made: { signedAt, receivedAt: call.receivedAt },
    trace: call.trace,
  };
  call.caller = readCaller(call.contract.rules, call.metadata, info, (roomId) =>
    fingerprintOf(call.path, roomId, call.canonicalBytes()),
  );
  return next();
};
