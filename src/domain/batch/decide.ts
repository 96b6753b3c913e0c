// Decides one call of a batch: the answer stored under its key, or a new one.
import { type Attempt, isAfter, waitMsAfter } from '../attempt.ts';
import type { IdempotencyKey } from '../intent.ts';
import { Refusal, refuseField } from '../refusal.ts';
import type { CallInfo, LedgerCommand } from './command.ts';
import type { LedgerBatch } from './ledger-batch.ts';

/** A command with its caller's intent. */
export interface Call {
  // The ledger carries calls of every kind side by side; execute() pairs each command with its own intent and outcome.
  readonly command: LedgerCommand<unknown, unknown>;
  readonly intent: unknown;
  readonly key: IdempotencyKey;
  readonly info: CallInfo;
}

/**
 * Decides one call. The same key with the same request gets the stored answer, and the same key with another request is
 * refused (IDEMPOTENCY_KEY_REUSED). A refusal is not stored, but it is definite: it leaves a mark, and an attempt that is
 * not later than the mark is refused with ATTEMPT_SUPERSEDED instead of posting. The system's own calls have no attempts
 * and leave no marks.
 */
export function decide(call: Call, batch: LedgerBatch, attempt?: Attempt): unknown {
  const { key, command, intent, info } = call;
  const earlier = batch.answers.find(key);
  if (earlier) {
    if (earlier.fingerprint !== key.fingerprint)
      throw refuseField('IDEMPOTENCY_KEY_REUSED', 'idempotency-key');
    return earlier.outcome;
  }
  batch.keyId = info.keyId;
  batch.callerId = key.userId;
  try {
    return batch.attempt(() => {
      const outcome = command.decide(intent, batch);
      // Only now: an attempt that is refused anyway gets its own reason.
      if (attempt) refuseSuperseded(attempt, batch, key);
      batch.answers.add(key, outcome, info.rpc);
      return outcome;
    });
  } catch (error) {
    if (attempt && error instanceof Refusal && error.reason !== 'ATTEMPT_SUPERSEDED') {
      batch.answers.leaveMark(key, attempt);
    }
    throw error;
  }
}

function refuseSuperseded(attempt: Attempt, batch: LedgerBatch, key: IdempotencyKey): void {
  const mark = batch.answers.mark(key);
  if (!mark || isAfter(attempt, mark)) return;
  throw new Refusal('ATTEMPT_SUPERSEDED', { retryAfterMs: waitMsAfter(attempt, mark) });
}
