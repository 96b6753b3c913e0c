// Adds the details that every error has to the statuses that grpc-js sends itself.

import type { Server, ServerInterceptor } from '@grpc/grpc-js';
import { InvariantError } from '../domain/error-fields.ts';
import { Refusal } from '../domain/refusal.ts';
import { statusOf, withDetails } from './error-status.ts';

/**
 * Wraps `sendStatus` of the innermost call, which grpc-js itself uses too: for a message that is too large, for a deadline
 * that has passed. Has to come before every interceptor but the observer.
 */
export const errorDetailsInterceptor: ServerInterceptor = (_method, call) => {
  const sendStatus = call.sendStatus.bind(call);
  call.sendStatus = (status) => sendStatus(withDetails(status));
  return call as ReturnType<ServerInterceptor>;
};

/**
 * grpc-js answers calls of unknown methods before any interceptor. This gives its table of handlers a default, so that
 * those answers have details too. The table is not part of grpc-js' API; test/grpc/errors.test.ts fails when an update
 * moves it.
 */
export function handleUnknownMethods(server: Server): void {
  const inside = server as unknown as { handlers: Map<string, unknown> };
  if (!(inside.handlers instanceof Map))
    throw new InvariantError('this version of grpc-js keeps its handlers elsewhere');
  const find = inside.handlers.get.bind(inside.handlers);
  inside.handlers.get = (path) => find(path) ?? { ...UNKNOWN_METHOD, path };
}

const UNKNOWN_METHOD = {
  type: 'unary',
  deserialize: (bytes: Buffer) => bytes,
  serialize: (bytes: Buffer) => bytes,
  func: (_call: unknown, callback: (error: unknown) => void) =>
    callback(statusOf(new Refusal('METHOD_NOT_FOUND'), 'en', '')),
};
