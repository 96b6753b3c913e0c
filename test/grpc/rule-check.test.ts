// The plain checks of the contracts' rules against protovalidate's verdict, over requests whose fields are at the bounds of
// some rule. A failure prints its seed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DescField,
  type DescMessage,
  fromBinary,
  getOption,
  type Message,
  toBinary,
  toJsonString,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import {
  FieldRulesSchema,
  field as fieldRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import fc from 'fast-check';
import { CONTRACTS, type RpcContract } from '../../src/grpc/contracts.ts';
import { brokenRules, type Sample, samples } from './wire/methods.ts';

const SAMPLES = samples();
const RUNS = 20_000;

/** A change of one field: which one, and which of its values, modulo what there is. */
interface Change {
  readonly depth: number;
  readonly field: number;
  readonly value: number;
}

const changes = fc.array(fc.record({ depth: fc.nat(3), field: fc.nat(40), value: fc.nat(100_000) }), {
  maxLength: 4,
});

/** Every number in any rule, and its neighbours. */
const NUMBERS = [...new Set(SAMPLES.flatMap(({ rpc }) => numbersIn(rpc.input)))].sort((a, b) =>
  Number(a - b),
);

function numbersIn(desc: DescMessage): bigint[] {
  return desc.fields.flatMap((field) => {
    const text = toJsonString(FieldRulesSchema, getOption(field, fieldRules));
    const own = (text.match(/\d+/g) ?? []).map(BigInt).flatMap((bound) => [bound - 1n, bound, bound + 1n]);
    return field.message ? [...own, ...numbersIn(field.message)] : own;
  });
}

const LENGTHS = NUMBERS.filter((number) => number >= 0n && number <= 1001n).map(Number);
const LETTERS = ['a', 'A', '7', '-', ' ', '가', '😀', '❤️', '\u200d', '\u200b', '\n', '\u00a0', '\u{e0041}'];
const UUID = '3f1c9c52-6d5e-4d0b-9a3e-0c6d2f5a7b11';
const TEXTS = [
  UUID,
  UUID.toUpperCase(),
  `${UUID}\n`,
  `x${UUID}`,
  UUID.replaceAll('-', ''),
  'KRW',
  'KRW\n',
  'a1Z',
];

function textOf(value: number): string {
  const fixed = TEXTS[value % (2 * TEXTS.length)];
  if (fixed !== undefined) return fixed;
  const letter = LETTERS[value % LETTERS.length] as string;
  return letter.repeat(LENGTHS[Math.floor(value / LETTERS.length) % LENGTHS.length] as number);
}

function newValue(field: DescField, value: number): string | number | bigint | boolean | Uint8Array {
  if (field.scalar === 9) return textOf(value);
  if (field.scalar === 12) return new Uint8Array(LENGTHS[value % LENGTHS.length] as number);
  if (field.enum) return [-1, 0, 1, 2, 3, 50][value % 6] as number;
  if (field.scalar === 8) return value % 2 === 0;
  const picked = NUMBERS[value % NUMBERS.length] as bigint;
  const signed = value % 7 === 0 ? -picked : picked;
  const isLong = [3, 4, 6, 16, 18].includes(field.scalar as number);
  return isLong ? signed : Number(BigInt.asIntN(32, signed));
}

function change(desc: DescMessage, view: ReflectMessage, { depth, field: index, value }: Change): void {
  const field = desc.fields[index % Math.max(desc.fields.length, 1)];
  if (!field || field.fieldKind === 'map') return;
  if (field.fieldKind === 'list') changeList(field, view, { depth, field: index, value });
  else if (!field.message) view.set(field, newValue(field, value));
  else if (depth === 0) view.clear(field);
  else {
    if (!view.isSet(field)) view.set(field, reflect(field.message));
    const within = { depth: depth - 1, field: Math.floor(index / 3), value };
    change(field.message, view.get(field) as ReflectMessage, within);
  }
}

function changeList(
  field: DescField & { readonly fieldKind: 'list' },
  view: ReflectMessage,
  { depth, field: index, value }: Change,
): void {
  const list = view.get(field);
  const [first] = list;
  if (depth === 0) list.clear();
  else if (depth === 1 && first !== undefined) {
    // A list is long only now and then, because that takes time.
    const copies = value % 50 === 0 ? (LENGTHS[index % LENGTHS.length] as number) : value % 3;
    for (let copy = 0; copy < copies; copy++) list.add(first);
  } else if (field.message) {
    if (first === undefined) list.add(reflect(field.message));
    change(field.message, list.get(0) as ReflectMessage, {
      depth: depth - 1,
      field: Math.floor(index / 3),
      value,
    });
  } else list.add(newValue(field, value));
}

type KeepsRules = (contract: RpcContract, request: unknown) => boolean;
const plainCheck: KeepsRules = (contract, request) => contract.keepsRules(request);

/** Requests over which the check and protovalidate differ; `onBroken` is told what protovalidate finds. */
function compare(keepsRules: KeepsRules, onBroken: (rule: string) => void = () => {}) {
  const property = fc.property(fc.nat(SAMPLES.length - 1), changes, (index, made) => {
    const { method, rpc, bytes } = SAMPLES[index] as Sample;
    const message = fromBinary(rpc.input, bytes) as Message;
    for (const one of made) change(rpc.input, reflect(rpc.input, message), one);
    const broken = brokenRules(rpc.input, message);
    for (const rule of broken) onBroken(`${rpc.input.typeName} ${rule.replaceAll(/\[\d+\]/g, '[]')}`);
    const request = method.requestDeserialize(Buffer.from(toBinary(rpc.input, message)));
    const contract = CONTRACTS.get(method.path) as RpcContract;
    assert.equal(keepsRules(contract, request), broken.length === 0, `${method.path}: ${broken.join(', ')}`);
  });
  return fc.check(property, { numRuns: RUNS });
}

test('the plain checks know the rules of every contract', () => {
  for (const { method, bytes } of SAMPLES) {
    const request = method.requestDeserialize(Buffer.from(bytes));
    assert.ok(
      CONTRACTS.get(method.path)?.keepsRules(request),
      `${method.path} has a rule that rule-check.ts does not know, so protovalidate checks each of its requests; add the rule`,
    );
  }
});

test('the plain checks find what protovalidate finds', { timeout: 120_000 }, () => {
  const broken = new Set<string>();
  const result = compare(plainCheck, (rule) => broken.add(rule));
  assert.equal(result.errorInstance ?? fc.defaultReportMessage(result), undefined);
  assert.ok(broken.size > 100, `only ${broken.size} rules were ever broken`);
});

test('negative control: a bound that is off by one is found', { timeout: 120_000 }, () => {
  const lenient: KeepsRules = (contract, request) => {
    const { pageSize } = request as { readonly pageSize?: number };
    return contract.keepsRules(pageSize === 101 ? { ...(request as object), pageSize: 100 } : request);
  };
  assert.ok(compare(lenient).failed);
});
