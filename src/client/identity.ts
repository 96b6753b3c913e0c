// What a call carries besides its message, and the one place where it becomes headers.

/** Who a call acts for and what for. */
export interface Identity {
  /** The acting user, a whole number from 1 to 2^63 - 1. */
  readonly userId?: string | undefined;
  /** The room it happens in (wallet.v1 sprinkles). */
  readonly roomId?: string | undefined;
  /** The caller's name for this one intent; the same for every retry of it. */
  readonly idempotencyKey?: string | undefined;
}

/** The headers of a call, over gRPC its metadata. */
export function headersOf({ userId, roomId, idempotencyKey }: Identity): Record<string, string> {
  return {
    ...(userId !== undefined && { 'x-user-id': userId }),
    ...(roomId !== undefined && { 'x-room-id': roomId }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
  };
}
