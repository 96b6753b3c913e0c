// Who sees which API key signed a transfer: the side that asked for it, and never the other one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyIdSeenBy, TRANSFER_KINDS } from '../../src/domain/transfer.ts';

const [PAYER, PAYEE, STRANGER] = [1n, 2n, 3n];

test('the payer’s key is the payer’s to see, but of money that its receiver asked for', () => {
  for (const kind of TRANSFER_KINDS.filter((one) => one !== 'reversal')) {
    const posted = { transfer: { kind, keyId: 'k' }, debitUserId: PAYER, creditUserId: PAYEE };
    const asker = ['deposit', 'claim', 'gift_accept'].includes(kind) ? PAYEE : PAYER;
    const seen = [PAYER, PAYEE, STRANGER].filter((user) => keyIdSeenBy(user, posted) === 'k');
    assert.deepEqual(seen, [asker], kind);
  }
});

test('nobody is shown the key of an operator who reversed a transfer', () => {
  const posted = {
    transfer: { kind: 'reversal', keyId: 'k' },
    debitUserId: PAYER,
    creditUserId: PAYEE,
  } as const;
  for (const user of [PAYER, PAYEE]) assert.equal(keyIdSeenBy(user, posted), undefined);
});

test('a refund out of a pot shows its key to whom the money went back to', () => {
  const posted = {
    transfer: { kind: 'refund', keyId: 'k' },
    debitUserId: undefined,
    creditUserId: PAYEE,
  } as const;
  assert.equal(keyIdSeenBy(PAYEE, posted), 'k');
});

test('a transfer that no call made has no key to see', () => {
  const posted = {
    transfer: { kind: 'payout_line', keyId: undefined },
    debitUserId: undefined,
    creditUserId: PAYEE,
  } as const;
  assert.equal(keyIdSeenBy(PAYEE, posted), undefined);
});
