// Every rule in the contracts has a message in English and Korean, which is never a regular expression.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFileRegistry, type DescField, fromBinary, getOption } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Violation } from '@bufbuild/protovalidate';
import {
  FieldRulesSchema,
  field as fieldRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { DESCRIPTOR_SET } from '../../src/grpc/contracts.ts';
import { UNKNOWN_RULE, violationMessage } from '../../src/grpc/violation-messages.ts';

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, DESCRIPTOR_SET));
/** What changes how a rule is applied, and is none. */
const NO_RULES = ['ignore'];

/** The rules that are set, each with the path to it; those of a range are broken together as `gte_lte`. */
function* rulesIn(rules: ReflectMessage, path: DescField[] = []): Generator<readonly [string, DescField[]]> {
  const set = rules.fields.filter((field) => rules.isSet(field) && !NO_RULES.includes(field.name));
  const bounds = set
    .filter(({ name }) => ['gt', 'gte', 'lt', 'lte'].includes(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (bounds.length > 1) yield [bounds.map(({ name }) => name).join('_'), [...path, bounds[0] as DescField]];
  for (const field of set) {
    const isType = field.fieldKind === 'message' && field.message.typeName.startsWith('buf.validate.');
    if (isType) yield* rulesIn(rules.get(field) as ReflectMessage, [...path, field]);
    else if (field.name !== 'cel') yield [field.name, [...path, field]];
  }
}

const rules = [...registry].flatMap((type) =>
  type.kind !== 'message'
    ? []
    : type.fields.flatMap((field) =>
        [...rulesIn(reflect(FieldRulesSchema, getOption(field, fieldRules)))].map(([rule, path]) => ({
          field,
          rule,
          path,
        })),
      ),
);

test('each rule of each field has a message', () => {
  assert.ok(rules.length > 150, String(rules.length));
  for (const { field, rule, path } of rules) {
    const words = violationMessage(new Violation('', `type.${rule}`, [field], path, false));
    const where = `${field.parent.typeName}.${field.name}: ${rule}`;
    assert.notEqual(words, UNKNOWN_RULE, where);
    for (const text of Object.values(words)) {
      assert.match(text, /^\S.*\S$/, where);
      assert.doesNotMatch(text, /undefined|object|NaN|\\|\^| {2}/, where);
    }
  }
});

test('numbers in messages come from the broken rule', () => {
  const said = (type: string, name: string, rule: string) => {
    const found = rules.find(
      ({ field, rule: its }) => field.parent.typeName === type && field.name === name && its === rule,
    );
    assert.ok(found, `${type}.${name} has no ${rule}`);
    return violationMessage(new Violation('', `type.${rule}`, [found.field], found.path, false));
  };
  assert.deepEqual(said('wallet.v2.ListWalletsRequest', 'page_size', 'gte_lte'), {
    en: 'must be from 0 to 100',
    ko: '0 이상 100 이하여야 합니다',
  });
  assert.equal(said('admin.v1.RotateApiKeyRequest', 'overlap', 'gte_lte').en, 'must be from 0s to 172800s');
  const celMessage = 'minor_units must be from 1 to 9007199254740991';
  assert.equal(
    violationMessage(new Violation(celMessage, 'amount.minor_units', [], [], false)).ko,
    '1 이상 9007199254740991 이하여야 합니다',
  );
});
