// Makes a call of ours ready to go: a new idempotency key where it needs one, a new nonce, a signature.
import { signedHeaders } from '../../src/client/signer.ts';
import { nth } from './ledger.ts';
import type { SignedCall, Target } from './work.ts';

/** The idempotency key of the n-th call. */
export const idempotencyKeyOf = (prefix: string, n: number) => `${prefix}-${n}`;

/** The n-th call with all its headers. The message stays as it was prepared; what differs from call to call is here. */
export function signedCallAt(
  { calls, key, idempotencyPrefix }: Extract<Target, { kind: 'grpc' | 'rest' }>,
  n: number,
): { call: SignedCall; headers: Record<string, string> } {
  const call = nth(calls, n);
  const { method, path: target, body } = call;
  const identity =
    idempotencyPrefix === undefined
      ? call.identity
      : { ...call.identity, idempotencyKey: idempotencyKeyOf(idempotencyPrefix, n) };
  return { call, headers: signedHeaders({ method, target, body }, identity, key) };
}
