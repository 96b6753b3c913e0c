// Makes a call of ours ready to go: a new idempotency key where it needs one, a new nonce, a signature.
import { randomUUID } from 'node:crypto';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { nth } from './ledger.ts';
import type { SignedCall, Target } from './work.ts';

/** Of this process: what another one, or the same one later, calls is not the same call. */
const KEY_PREFIX = randomUUID();

/** The idempotency key of the n-th call of this process. */
export const idempotencyKeyOf = (n: number) => `${KEY_PREFIX}-${n}`;

/** The n-th call with all its headers. The message stays as it was prepared; what differs from call to call is here. */
export function signedCallAt(
  { calls, key, isIdempotent }: Extract<Target, { kind: 'grpc' | 'rest' }>,
  n: number,
): { call: SignedCall; headers: Record<string, string> } {
  const call = nth(calls, n);
  const { method, path: target, body } = call;
  const identity = isIdempotent ? { ...call.identity, idempotencyKey: idempotencyKeyOf(n) } : call.identity;
  return { call, headers: signedHeaders({ method, target, body }, identity, key) };
}
