// Who sees which API key signed a transfer: the side that asked for it, and never the other one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyIdSeenBy, TRANSFER_KINDS } from '../../src/domain/transfer.ts';

const [PAYER, PAYEE, STRANGER] = [1n, 2n, 3n];

test('the payer’s key is the payer’s to see, but of money that its receiver asked for', () => {
  for (const kind of TRANSFER_KINDS) {
    const posted = { transfer: { kind, keyId: 'k' }, debitUserId: PAYER, creditUserId: PAYEE };
    const asker = ['deposit', 'claim', 'refund'].includes(kind) ? PAYEE : PAYER;
    const seen = [PAYER, PAYEE, STRANGER].filter((user) => keyIdSeenBy(user, posted) === 'k');
    assert.deepEqual(seen, [asker], kind);
  }
});

test('a transfer that no call made has no key to see', () => {
  const posted = {
    transfer: { kind: 'payout_line', keyId: undefined },
    debitUserId: undefined,
    creditUserId: PAYEE,
  } as const;
  assert.equal(keyIdSeenBy(PAYEE, posted), undefined);
});
