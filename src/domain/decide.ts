// Decides one call over the book: the answer given before under its key, or a new one.
import type { Book } from './book.ts';
import type { IdempotencyKey } from './intent.ts';
import { refuseField } from './refusal.ts';
import type { CallInfo, Verb } from './verb.ts';

/** A verb with what its caller wants of it. */
export interface Call {
  // The ledger carries calls of every kind side by side; perform() keeps each verb with its own intent and outcome.
  readonly verb: Verb<unknown, unknown>;
  readonly intent: unknown;
  readonly key: IdempotencyKey;
  readonly info: CallInfo;
}

/**
 * Decides one call. The same key with the same request gets the answer that was given, the same key with another
 * request is refused (IDEMPOTENCY_KEY_REUSED), and a refusal is not kept: the caller may try again under its key.
 */
export function decide(call: Call, book: Book): unknown {
  const earlier = book.answer(call.key);
  if (earlier) {
    if (earlier.fingerprint !== call.key.fingerprint) {
      throw refuseField('IDEMPOTENCY_KEY_REUSED', 'idempotency-key');
    }
    return earlier.outcome;
  }
  book.signedBy(call.info.keyId);
  return book.attempt(() => {
    const outcome = call.verb.decide(call.intent, book);
    book.remember(call.key, outcome);
    return outcome;
  });
}
