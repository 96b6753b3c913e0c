// The source of randomness, passed in so that tests can fix it.

/** A source of random numbers. In production it is cryptographic: shares and tokens must not be predictable. */
export interface Random {
  /** A whole number from 0 to limit - 1, each equally likely; limit is at most 2^48. */
  below(limit: number): number;
  /** A random UUID (version 4, RFC 9562). */
  uuid(): string;
}
