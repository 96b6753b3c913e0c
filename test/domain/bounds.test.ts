// The bounds of requests as the domain knows them: the same text, lengths and numbers that the contracts allow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type DescMessage } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import fc from 'fast-check';
import { RPCS } from '../../clients/typescript/src/contracts.ts';
import {
  checkAmount,
  checkCount,
  checkMemo,
  checkName,
  isPlainText,
  MAX_HEADCOUNT,
  MAX_ITEMS,
} from '../../src/domain/bounds.ts';
import { pageSize } from '../../src/domain/page.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { brokenRules } from '../grpc/wire/methods.ts';

const isRefused = (check: () => unknown) => {
  try {
    check();
    return false;
  } catch (error) {
    assert.ok(error instanceof Refusal && error.reason === 'INVALID_FIELD');
    return true;
  }
};

const messageOf = (rpc: string) => RPCS.get(rpc)?.input as DescMessage;
const MEMO = messageOf('wallet.v1.WalletService/Transfer');
const NAME = messageOf('wallet.v2.UserService/UpdateUser');

/** Whether the contract allows a text in a field, whatever it says of the message's other fields. */
function contractAllows(desc: DescMessage, name: string, text: string): boolean {
  const message = create(desc);
  const field = desc.fields.find((one) => one.name === name);
  if (field?.fieldKind !== 'scalar') throw new Error(`${desc.typeName} has no ${name}`);
  reflect(desc, message).set(field, text);
  return !brokenRules(desc, message).some((broken) => broken.startsWith(name));
}

test('a text is allowed by the domain exactly where the contract allows it', () => {
  const hard = fc.constantFrom(
    ...[
      '\u200b',
      '\u200d',
      '\u202e',
      '\ufeff',
      '\u3164',
      '\u00ad',
      '\u{e0041}',
      '\u{1f469}',
      '\u{1f3fd}',
      '\ufe0f',
      '\u2764',
      '\u0000',
    ],
    ...['\u007f', '\u0085', '가', 'a', ' ', '\u2028', '\u2066', '\u115f', '\u06dd', '\u0600'],
  );
  const text = fc
    .array(fc.oneof(hard, fc.string({ unit: 'binary', maxLength: 1 })), { maxLength: 8 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(text, (one) => {
      assert.equal(!isRefused(() => checkMemo(one)), contractAllows(MEMO, 'memo', one));
      assert.equal(!isRefused(() => checkName(one)), contractAllows(NAME, 'display_name', one));
    }),
    { numRuns: 3000 },
  );
});

test('lengths are counted in characters, as the contract does', () => {
  for (const one of [
    'x'.repeat(200),
    'x'.repeat(201),
    '\u{1f600}'.repeat(200),
    '\u{1f600}'.repeat(201),
    'x'.repeat(500_000),
  ]) {
    assert.equal(!isRefused(() => checkMemo(one)), contractAllows(MEMO, 'memo', one));
  }
});

test('names of invisible characters are refused, names of emoji that are joined are not', () => {
  for (const name of [
    '',
    '\u200b',
    'ad\u200dmin',
    '\u202enimda',
    'a\u2066b',
    '\u3164',
    '\ufeffanna',
    'anna\u{e0061}',
    'a\nb',
  ]) {
    assert.ok(
      isRefused(() => checkName(name)),
      JSON.stringify(name),
    );
  }
  for (const name of ['엄마 👩‍👩‍👧', '👩🏽‍🚀', '❤️‍🔥', 'Søren', '김 철수', 'محمد', 'नमस्ते']) {
    assert.ok(isPlainText(name), name);
  }
});

test('numbers beyond their bounds are refused', () => {
  assert.ok([0n, -1n, 2n ** 53n, 2n ** 62n].every((amount) => isRefused(() => checkAmount(amount))));
  assert.ok(
    [0, -1, MAX_HEADCOUNT + 1, 2_000_000, 1.5].every((count) =>
      isRefused(() => checkCount(count, MAX_HEADCOUNT, 'headcount')),
    ),
  );
  assert.ok([0, MAX_ITEMS + 1].every((count) => isRefused(() => checkCount(count, MAX_ITEMS, 'items'))));
  assert.ok([-1, 101, 2 ** 31 - 1, Number.NaN].every((size) => isRefused(() => pageSize(size))));
  assert.deepEqual([0, 1, 100].map(pageSize), [20, 1, 100]);
});
