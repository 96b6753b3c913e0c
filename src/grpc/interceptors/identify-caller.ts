// Reads who calls and what for from the headers that the contract demands.

import { signerOf } from '../call-context.ts';
import { fingerprintOf, readCaller } from '../caller.ts';
import type { Interceptor } from '../interceptor.ts';

export const identifyCaller: Interceptor = (call, next) => {
  const { key, signedAt, clientAddress } = signerOf(call);
  const info = {
    id: call.requestId,
    deadlineMs: call.deadlineMs,
    keyId: key.id,
    clientAddress,
    rpc: call.path.slice(1),
    made: { signedAt, receivedAt: call.receivedAt },
  };
  call.caller = readCaller(call.contract.rules, call.metadata, info, (roomId) =>
    fingerprintOf(call.path, roomId, call.canonicalBytes()),
  );
  return next();
};
