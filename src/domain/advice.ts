// What callers can do about each error: by its gRPC status, or by its reason where that has its own remedy.

import type { StatusName } from './reasons.ts';
import { REASONS, type Reason } from './reasons.ts';

const BY_STATUS: Readonly<Record<StatusName, string>> = {
  CANCELLED:
    'Nothing: the caller cancelled. A money call may have been done; repeat it under the same idempotency key.',
  INVALID_ARGUMENT: 'Correct the fields that the violations name. The same call fails again.',
  DEADLINE_EXCEEDED: 'Repeat it, a money call under the same idempotency key: it may have been done.',
  NOT_FOUND: 'Check the id that the violation names, and whether the acting user may see it.',
  ALREADY_EXISTS: 'Nothing: what the call asks for is there, or is taken.',
  PERMISSION_DENIED: 'Use a key, or an acting user, that may.',
  RESOURCE_EXHAUSTED: 'Wait as long as RetryInfo (over REST: Retry-After) says, then repeat it.',
  FAILED_PRECONDITION: 'Change what stands in the way first. The same call may succeed later.',
  ABORTED: 'Repeat it at once, a money call under the same idempotency key.',
  UNAUTHENTICATED:
    'Check the key, the clock and what the signature covers (docs/signing.md). The answer never says which.',
  UNIMPLEMENTED: 'Check the name of the service and of the method.',
  INTERNAL: 'Repeat it, a money call under the same idempotency key; if it stays, tell ops the request id.',
  UNAVAILABLE: 'Repeat it after a moment, a money call under the same idempotency key.',
};

const BY_REASON: Readonly<Partial<Record<Reason, string>>> = {
  IDEMPOTENCY_KEY_REQUIRED:
    'Send an idempotency-key: one name for each intent, the same on every retry of it.',
  IDEMPOTENCY_KEY_REUSED: 'Take a new key for a new intent. A retry must be the same request to the letter.',
  INVALID_PAGE_TOKEN:
    'Start again without page_token; a token works for the list and the filters that it came from.',
  FEED_RESTARTED:
    'Read from the start, without a cursor, and discard what you have that is not there: the database was restored from a backup.',
  ATTEMPT_SUPERSEDED:
    'Sign it again, after as long as RetryInfo says, if it is still wanted. It also meets a retry that was signed in the same second as the attempt that was refused.',
  NONCE_REUSED:
    'Sign every attempt separately. Some HTTP clients retry by themselves, and the first attempt may have been done: sign the call again under the same idempotency key, which returns its answer, or ask GetOutcome (docs/signing.md shows how to switch this off in Go).',
  BALANCE_TOO_LOW: 'Bring money in first, or send less.',
  SPRINKLE_EXPIRED: 'Nothing: its time is up.',
  HOLD_CAPTURED: 'Nothing: the hold has ended.',
  HOLD_VOIDED: 'Nothing: the hold has ended.',
  HOLD_EXPIRED: 'Nothing: the hold has ended.',
  HOLD_HAS_RECEIVER: 'Let its receiver capture it, or void it.',
  HOLD_AMOUNT_EXCEEDED: 'Capture at most what remaining_minor_units in the metadata says.',
  GIFT_ACCEPTED: 'Nothing: the money is in the wallet of its receiver, who can refund it.',
  GIFT_DECLINED: 'Nothing: the gift has ended.',
  GIFT_CANCELLED: 'Nothing: the gift has ended.',
  GIFT_EXPIRED: 'Nothing: the gift has ended.',
  GIFT_FOR_RECEIVER: 'Cancel it, or let its receiver decide.',
  GIFT_FOR_SENDER: 'Decline it instead.',
  TRANSFER_NOT_REFUNDABLE: 'Nothing: pay by a transfer instead.',
  REFUND_EXCEEDS_TRANSFER: 'Refund at most what refundable_minor_units in the metadata says.',
  SPRINKLE_EMPTY: 'Nothing: others were faster.',
  ALREADY_CLAIMED: 'Nothing: the share is in the wallet.',
  OWN_SPRINKLE: 'Nothing: it is for the others.',
  ROOM_OUT_OF_TOKENS: 'Wait until sprinkles of the room expire.',
  MESSAGE_TOO_LARGE: 'Send a smaller message.',
  COMPRESSION_NOT_SUPPORTED: 'Send the message uncompressed (grpc-encoding: identity).',
  REQUEST_TOO_LARGE: 'Send a smaller body.',
  HEADERS_TOO_LARGE: 'Send fewer or shorter headers.',
  UNSUPPORTED_CONTENT_TYPE: 'Send gRPC to the gRPC port, and JSON here.',
  ROUTE_NOT_FOUND: 'Check the path and the HTTP method.',
};

/** The remedy for a reason, in a sentence or two. */
export function adviceFor(reason: Reason): string {
  return BY_REASON[reason] ?? BY_STATUS[REASONS[reason].status];
}
