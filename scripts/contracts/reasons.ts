// For which reasons a call can be refused: those that its contract declares, and those that follow from how it is called.
import { type DescExtension, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';

/** Any call can be refused for these: by the checks that come before every handler, or because something is out of order. */
export const ANY_CALL: readonly Reason[] = [
  'AUTHENTICATION_FAILED',
  'NONCE_REUSED',
  'MISSING_SCOPE',
  'KEY_USER_MISMATCH',
  'INVALID_HEADER',
  'INVALID_FIELD',
  'MALFORMED_REQUEST',
  'COMPRESSION_NOT_SUPPORTED',
  'MESSAGE_TOO_LARGE',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'INTERNAL',
];

/** Any call over REST can be refused for these, by the edge alone. */
export const ANY_REST_CALL: readonly Reason[] = [
  'REQUEST_TOO_LARGE',
  'HEADERS_TOO_LARGE',
  'UNSUPPORTED_CONTENT_TYPE',
];

/** The answers where no RPC was reached. */
export const NO_CALL: readonly Reason[] = ['ROUTE_NOT_FOUND', 'METHOD_NOT_FOUND', 'SERVICE_NOT_FOUND'];

const WITH_IDEMPOTENCY_KEY: readonly Reason[] = [
  'IDEMPOTENCY_KEY_REQUIRED',
  'IDEMPOTENCY_KEY_REUSED',
  'ATTEMPT_SUPERSEDED',
  'CONFLICT',
];

/** What no contract has to declare, because it follows from how the RPC is called. */
export const FROM_RULES: readonly Reason[] = [
  'INVALID_PAGE_TOKEN',
  'TOO_MANY_FAILURES',
  ...WITH_IDEMPOTENCY_KEY,
];

/** The fields of ppuri.options.v1.Call that decide about reasons. */
interface Declared {
  readonly idempotencyKey: boolean;
  readonly guessesToken: boolean;
  readonly reasons: readonly string[];
}

/**
 * The reasons of an RPC besides `ANY_CALL`: first those that its contract declares. `call` is the option
 * `(ppuri.options.v1.call)`. Throws for a declared reason that does not exist, that any call has, or that is declared twice.
 */
export function reasonsOf(method: DescMethod, call: DescExtension): Reason[] {
  if (!hasOption(method, call)) return [];
  // The registry reads the option without a generated type.
  const { idempotencyKey, guessesToken, reasons } = getOption(method, call) as unknown as Declared;
  const all = [
    ...reasons,
    ...(method.input.fields.some(({ name }) => name === 'page_token') ? ['INVALID_PAGE_TOKEN'] : []),
    ...(guessesToken ? ['TOO_MANY_FAILURES'] : []),
    ...(idempotencyKey ? WITH_IDEMPOTENCY_KEY : []),
  ];
  const bad = all.filter(
    (reason, index) =>
      !(reason in REASONS) || ANY_CALL.some((any) => any === reason) || all.indexOf(reason) !== index,
  );
  if (bad.length > 0) throw new Error(`${method.toString()} cannot declare ${bad.join(', ')}`);
  return all as Reason[];
}
