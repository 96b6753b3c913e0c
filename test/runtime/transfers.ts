// Transfers to log.
import type { Transfer } from '../../src/domain/transfer.ts';

/** A transfer with an id of its own. */
export function someTransfer(more: Partial<Transfer> = {}): Transfer {
  return {
    id: crypto.randomUUID(),
    createdAt: Date.now() * 1000,
    kind: 'transfer',
    currency: 'KRW',
    amount: 100n,
    debitAccountId: '0190a1b2-0000-7000-8000-000000000001',
    creditAccountId: '0190a1b2-0000-7000-8000-000000000002',
    debitBalanceAfter: 900n,
    creditBalanceAfter: 100n,
    sprinkleId: undefined,
    memo: 'for lunch',
    keyId: 'ppk_live_abcdefghijklmnopqrstuvwxyz1234',
    ...more,
  };
}
