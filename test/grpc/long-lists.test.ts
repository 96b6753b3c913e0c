// A list that is far too long is refused for its length alone: naming what is wrong with each element would take minutes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTRACTS } from '../../src/grpc/contracts.ts';

for (const path of [
  '/wallet.v2.TransferService/BatchCreateTransfers',
  '/wallet.v2.WalletService/BatchGetBalances',
]) {
  test(`${path}: a million empty elements`, () => {
    // Each element is two bytes: field 1 with a length, and the length 0.
    const request = Buffer.from('0a00'.repeat(1_000_000), 'hex');
    const violations = CONTRACTS.get(path)?.validate(request) ?? [];
    assert.equal(violations.length, 1);
    assert.match(violations[0]?.field ?? '', /^(items|wallet_ids)$/);
    const three = CONTRACTS.get(path)?.validate(Buffer.from('0a00'.repeat(3), 'hex')) ?? [];
    assert.ok(three.length >= 3, 'of a list that is not too long, every wrong element is named');
  });
}
