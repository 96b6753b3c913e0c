// Signed REST calls of one user through an edge, and what their refusals say.
import assert from 'node:assert/strict';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import type { Stack } from '../stack.ts';
import { type Came, send } from './wire.ts';

/** Makes one call for a user; with a body unless it is undefined. */
export function asker(stack: Stack, userId: number) {
  return (
    method: string,
    target: string,
    body?: string | Buffer,
    type = 'application/json',
    url = stack.restUrl ?? '',
  ): Promise<Came> => {
    const identity = { userId: String(userId), idempotencyKey: crypto.randomUUID(), roomId: 'nowhere' };
    const bytes = Buffer.from(body ?? '');
    const headers = signedHeaders({ method, target, body: bytes }, identity, stack.key);
    const content = body === undefined ? {} : { 'content-type': type };
    return send(url, {
      method,
      target,
      headers: { ...headers, ...content },
      ...(body !== undefined && { body: bytes }),
    });
  };
}

/** An error as REST prints it. */
export interface RestError {
  readonly code: number;
  readonly message: string;
  readonly details: readonly {
    readonly '@type': string;
    readonly field_violations?: readonly {
      readonly field: string;
      readonly description: string;
      readonly localized_message?: { readonly message: string };
    }[];
  }[];
}

/** The field and the words of a 400, as `amount: is there twice`. */
export function saidOf(came: Came): string {
  assert.equal(came.status, 400, came.text);
  const error = JSON.parse(came.text) as RestError;
  assert.equal(error.code, 3);
  const [violation] = error.details.flatMap(({ field_violations = [] }) => field_violations);
  return `${violation?.field}: ${violation?.description}`;
}
