// The reasons that contracts declare, and the check that holds them against what tests see.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANY_CALL, ANY_REST_CALL, NO_CALL } from '../../scripts/contracts/reasons.ts';
import { REASONS } from '../../src/domain/reasons.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { checkDeclared, declaredReasons } from '../declared-reasons.ts';

const RPCS = [...CONTRACTS.keys()].map((path) => path.slice(1));
/** Only lines of payouts fail with these; the calls that add them are answered with OK. */
const OF_LINES = ['LINE_KEY_REUSED'];

test('every RPC declares reasons that exist, none twice and none that any call has', () => {
  for (const rpc of RPCS) declaredReasons(rpc);
});

test('every reason belongs to a call, to any call, or to none', () => {
  const placed = new Set([
    ...ANY_CALL,
    ...ANY_REST_CALL,
    ...NO_CALL,
    ...OF_LINES,
    ...RPCS.flatMap(declaredReasons),
  ]);
  assert.deepEqual(
    Object.keys(REASONS).filter((reason) => !placed.has(reason)),
    [],
  );
});

test('a refusal that its RPC does not declare fails the test that sees it', () => {
  assert.throws(() => checkDeclared('wallet.v1.WalletService/GetBalance', 'BALANCE_TOO_LOW'), /declare it/);
  checkDeclared('wallet.v1.WalletService/Transfer', 'BALANCE_TOO_LOW');
  checkDeclared('wallet.v1.WalletService/GetBalance', 'RATE_LIMITED');
});
