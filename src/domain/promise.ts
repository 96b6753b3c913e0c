// The promise of idempotency keys, in the words of every document; a test compares them.

/** The promise. The contracts (options.proto), README, ARCHITECTURE and the pages in docs/ say the same. */
export const IDEMPOTENCY_PROMISE =
  'The same key with the same request gets the same answer, for good, once that was OK. A refusal with ERR005 or ERR006 is ' +
  'not kept but is definite: no earlier attempt under the key can still post. After any other answer, or none, send the ' +
  'same request again under the same key with a new signature, or ask GetOutcome, which says what became of the key ' +
  'without moving money.';
