// Finds what the acting user gave a reference to.
import type { AnnotationSubject } from '../../domain/annotation.ts';
import { IS_REQUIRED } from '../../domain/localized-text.ts';
import type { Reason } from '../../domain/reasons.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** A thing of a user's, as a request names it: by its id or by its reference; the other one is empty. */
export interface IdOrReference {
  readonly id: string;
  readonly reference: string;
}

const NOT_FOUND: Record<AnnotationSubject, Reason> = {
  transfer: 'TRANSFER_NOT_FOUND',
  wallet: 'WALLET_NOT_FOUND',
  hold: 'HOLD_NOT_FOUND',
  gift: 'GIFT_NOT_FOUND',
  payout: 'PAYOUT_NOT_FOUND',
};

/**
 * The id of what a request names, in lower case, and the field that names it. Refuses INVALID_FIELD for both or neither of
 * them, and the reason of what is not found for a reference that the user has not given to a thing of this kind.
 */
export async function findByReference(
  { annotations }: Pick<Core, 'annotations'>,
  userId: bigint,
  subject: AnnotationSubject,
  { id, reference }: IdOrReference,
): Promise<{ readonly id: string; readonly field: string }> {
  const field = `${subject}_id`;
  if (reference === '' && id === '') throw refuseField('INVALID_FIELD', field, IS_REQUIRED);
  if (reference === '') return { id: id.toLowerCase(), field };
  if (id !== '') {
    throw refuseField('INVALID_FIELD', 'reference', {
      en: `must be left out where ${field} is given`,
      ko: `${field}가 있으면 비워 두어야 합니다`,
    });
  }
  const found = await annotations.findSubject(userId, subject, reference);
  if (found === undefined) throw refuseField(NOT_FOUND[subject], 'reference');
  return { id: found, field: 'reference' };
}
