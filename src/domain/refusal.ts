// A refusal: the one way in which our code rejects a call.

import type { LocalizedText } from './localized-text.ts';
import { REASONS, type Reason } from './reasons.ts';

/** A field of the request (or a header) that is wrong, and how. */
export interface Violation {
  /** The field's path as in the contract, for example `amount.currency_code`, or a header's name. */
  readonly field: string;
  readonly description: LocalizedText;
}

/** Details of a refusal besides its reason. */
export interface RefusalDetails {
  readonly violations?: readonly Violation[];
  /** How long to wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Which limit was reached: `key`, `user`, `ip`, `streams`, `statements`, `token`. */
  readonly quota?: string;
  /** What the answer names besides, in the metadata of its ErrorInfo. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Thrown to refuse a call. All of it is shown to the caller, so it holds nothing internal. */
export class Refusal extends Error {
  readonly reason: Reason;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;
  readonly quota: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;

  constructor(reason: Reason, details: RefusalDetails = {}) {
    super(REASONS[reason].en);
    this.name = 'Refusal';
    this.reason = reason;
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.quota = details.quota;
    this.metadata = details.metadata;
  }
}

/**
 * A refusal that names one field of the request. Its description is the text of the reason unless another is given.
 */
export function refuseField(reason: Reason, field: string, description?: LocalizedText): Refusal {
  return new Refusal(reason, { violations: [{ field, description: description ?? REASONS[reason] }] });
}
