// Makes sure that no answer but OK leaves without the details that every error has, also where grpc-js itself says no.

import type { Server, ServerInterceptor } from '@grpc/grpc-js';
import { InvariantError } from '../domain/error-fields.ts';
import { Refusal } from '../domain/refusal.ts';
import { statusOf, withDetails } from './error-status.ts';

/**
 * Must be the first interceptor: it gets the call at the very bottom, which says some noes itself (a message that is
 * too large, a deadline that ran out). They all go through that call's own sendStatus, so the details are added there.
 */
export const errorDetailsInterceptor: ServerInterceptor = (_method, call) => {
  const sendStatus = call.sendStatus.bind(call);
  call.sendStatus = (status) => sendStatus(withDetails(status));
  return call as ReturnType<ServerInterceptor>;
};

/**
 * grpc-js answers a call of an unknown method before any interceptor sees it. Its table of handlers is therefore given
 * one that catches what is not in it. The table is not part of grpc-js' interface: test/grpc/errors.test.ts notices
 * when an update moves it.
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
