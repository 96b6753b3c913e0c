// Where the rules need chance: passed in, so that tests can load the dice.

/** A source of chance. The real one is cryptographic: shares and tokens must not be foreseen. */
export interface Random {
  /** A whole number from 0 to limit - 1, each equally likely; limit is at most 2^48. */
  below(limit: number): number;
  /** A random UUID (version 4, RFC 9562). */
  uuid(): string;
}
