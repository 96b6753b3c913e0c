// The filters of ListTransactions.
import type { ListTransactionsRequest } from '../../../gen/ts/wallet/v2/wallet_service.ts';
import type { Label } from '../../domain/annotation.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { TransferFilter } from '../../domain/transfer-filter.ts';
import type { ListKey } from '../page-token.ts';
import { toBound } from '../timestamp.ts';
import { parseKinds } from './money.ts';

/** Refuses INVALID_FIELD for a part of a label, and for an amount that is at least more than it is at most. */
export function parseFilter(request: ListTransactionsRequest): TransferFilter {
  const { minorUnitsFrom, minorUnitsTo, counterpartyWalletId, counterpartyUserId } = request;
  if (minorUnitsTo > 0n && minorUnitsFrom > minorUnitsTo) {
    throw refuseField('INVALID_FIELD', 'minor_units_to', {
      en: 'must be at least minor_units_from, or left out',
      ko: 'minor_units_from 이상이거나 비어 있어야 합니다',
    });
  }
  return {
    kinds: parseKinds(request.kinds),
    from: toBound(request.createdFrom, 'created_from'),
    before: toBound(request.createdBefore, 'created_before'),
    reference: request.reference || undefined,
    label: parseLabel(request),
    counterpartyWalletId: counterpartyWalletId.toLowerCase() || undefined,
    counterpartyUserId: counterpartyUserId || undefined,
    amountFrom: minorUnitsFrom || undefined,
    amountTo: minorUnitsTo || undefined,
  };
}

/** Its values, all of them, to which page tokens are bound. */
export function filterKey({ label, ...filter }: TransferFilter): ListKey {
  const { kinds, from, before, reference, counterpartyWalletId, counterpartyUserId } = filter;
  return [
    ...[kinds, from, before, reference, label && [label.key, label.value]],
    ...[counterpartyWalletId, counterpartyUserId, filter.amountFrom, filter.amountTo],
  ];
}

/** A key alone has no order that an index could serve. */
function parseLabel({ labelKey: key, labelValue: value }: ListTransactionsRequest): Label | undefined {
  if (key === '' && value === '') return undefined;
  if (key !== '' && value !== '') return { key, value };
  const [missing, given] = key === '' ? ['label_key', 'label_value'] : ['label_value', 'label_key'];
  throw refuseField('INVALID_FIELD', missing, {
    en: `is required with ${given}; drop ${given} to list without it`,
    ko: `${given}와 함께 있어야 합니다. ${given} 없이 조회할 수도 있습니다`,
  });
}
