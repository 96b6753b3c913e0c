// Reads who calls and what for from the headers that the contract demands.
import { fingerprintOf, readCaller } from '../caller.ts';
import type { Interceptor } from '../interceptor.ts';

export const identifyCaller: Interceptor = (call, next) => {
  call.caller = readCaller(call.contract.rules, call.metadata, call.requestId, (roomId) =>
    fingerprintOf(call.path, roomId, call.canonicalBytes()),
  );
  return next();
};
