// What a generator process calls: the interface of every target, and signed calls of ppuri.
import { randomUUID } from 'node:crypto';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { SignedCall, Target } from './protocol.ts';

/** Undefined for OK; otherwise the reason, in the same text each time. */
export type Answer = string | undefined;

/** A connection to a target. */
export interface TargetClient {
  /** Prepares and signs the n-th call, and returns the function that sends it. */
  prepare(n: number): () => Promise<Answer>;
  close(): Promise<void> | void;
}

/** The n-th item of a list that repeats. */
export function nth<T>(items: readonly T[], n: number): T {
  const item = items[n % items.length];
  if (item === undefined) throw new Error('there is nothing to call');
  return item;
}

/** Makes the idempotency keys of this process different from those of any other. */
const KEY_PREFIX = randomUUID();

/** The idempotency key of the n-th call of this process. */
export const idempotencyKeyOf = (n: number) => `${KEY_PREFIX}-${n}`;

/** The n-th call and its headers, which are new each time; the message was encoded before. */
export function signedCallAt(
  { calls, key, isIdempotent }: Extract<Target, { kind: 'grpc' | 'rest' }>,
  n: number,
): { call: SignedCall; headers: Record<string, string> } {
  const call = nth(calls, n);
  const { method, path: target, body } = call;
  const identity = isIdempotent ? { ...call.identity, idempotencyKey: idempotencyKeyOf(n) } : call.identity;
  const headers = signedHeaders({ method, target, body }, identity, key);
  if (call.isForged) headers.signature = forged(headers.signature ?? '');
  return { call, headers };
}

/** The same signature with another first character. */
function forged(signature: string): string {
  return signature.replace(/:(.)/, (_, first: string) => (first === 'A' ? ':B' : ':A'));
}
