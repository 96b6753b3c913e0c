// Messages for broken rules of a contract (buf.validate), in English and Korean.
import { type DescField, getOption } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Violation as BrokenRule } from '@bufbuild/protovalidate';
import {
  FieldRulesSchema,
  field as fieldRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { IS_REQUIRED, type LocalizedText, mustBeFromTo } from '../domain/localized-text.ts';

/** The value of a rule of the same field, as text: `of('lte')` for a broken `gte_lte`. */
type ValueOf = (rule: string) => string;

/** Messages by the rule's id without its type, `gte_lte` for `int64.gte_lte`, or with it where it means something else. */
const BY_RULE: Readonly<Record<string, (of: ValueOf) => LocalizedText>> = {
  required: () => IS_REQUIRED,
  // Contracts use not_in only for 0, the value of an enum that is left out.
  not_in: () => IS_REQUIRED,
  uuid: () => ({ en: 'must be a UUID', ko: 'UUID여야 합니다' }),
  min_len: (of) =>
    of('minLen') === '1'
      ? { en: 'must not be empty', ko: '비어 있으면 안 됩니다' }
      : { en: `must have at least ${of('minLen')} characters`, ko: `${of('minLen')}자 이상이어야 합니다` },
  max_len: (of) => ({
    en: `must have at most ${of('maxLen')} characters`,
    ko: `${of('maxLen')}자 이하여야 합니다`,
  }),
  'bytes.max_len': (of) => bytesWords(of('maxLen')),
  max_bytes: (of) => bytesWords(of('maxBytes')),
  gt: (of) => ({ en: `must be above ${of('gt')}`, ko: `${of('gt')}보다 커야 합니다` }),
  gte: (of) => ({ en: `must be at least ${of('gte')}`, ko: `${of('gte')} 이상이어야 합니다` }),
  lte: (of) => ({ en: `must be at most ${of('lte')}`, ko: `${of('lte')} 이하여야 합니다` }),
  gt_lte: (of) => ({
    en: `must be above ${of('gt')} and at most ${of('lte')}`,
    ko: `${of('gt')}보다 크고 ${of('lte')} 이하여야 합니다`,
  }),
  gte_lte: (of) => mustBeFromTo(of('gte'), of('lte')),
  defined_only: () => ({
    en: 'must be one of the values in the contract',
    ko: '계약에 있는 값이어야 합니다',
  }),
  // Contracts use it for enums of which a request takes some values only.
  in: () => ({
    en: 'must be one of the values that the contract allows here',
    ko: '계약이 여기에 허용하는 값이어야 합니다',
  }),
  min_items: (of) => ({
    en: `must have at least ${of('minItems')} ${of('minItems') === '1' ? 'item' : 'items'}`,
    ko: `항목이 ${of('minItems')}개 이상이어야 합니다`,
  }),
  max_items: (of) => ({
    en: `must have at most ${of('maxItems')} items`,
    ko: `항목이 ${of('maxItems')}개 이하여야 합니다`,
  }),
  unique: () => ({ en: 'must not name anything twice', ko: '같은 값이 두 번 있으면 안 됩니다' }),
  pattern: (of) => BY_PATTERN[of('pattern')] ?? UNKNOWN_RULE,
};

function bytesWords(most: string): LocalizedText {
  return { en: `must have at most ${most} bytes`, ko: `${most}바이트 이하여야 합니다` };
}

/** Messages by pattern: a regular expression is no message. */
const BY_PATTERN: Readonly<Record<string, LocalizedText>> = {
  '^[A-Za-z0-9_-]{1,64}$': {
    en: 'must be 1 to 64 letters, digits, hyphens or underscores',
    ko: '영문자, 숫자, 하이픈, 밑줄 1~64자여야 합니다',
  },
  '^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$': {
    en: 'must be 1 to 64 letters, digits, hyphens, underscores, dots or slashes, and begin with a letter or digit',
    ko: '영문자, 숫자, 하이픈, 밑줄, 점, 빗금 1~64자여야 하고 영문자나 숫자로 시작해야 합니다',
  },
  '^[A-Za-z0-9]{3}$': { en: 'must be 3 letters or digits', ko: '영문자나 숫자 3자여야 합니다' },
  '^[A-Z]{3}$': {
    en: 'must be a currency code of ISO 4217, such as KRW',
    ko: 'KRW 같은 ISO 4217 통화 코드여야 합니다',
  },
  '^(?:[^\\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\u2190-\u2bff\ufe0f\u{1f000}-\u{1faff}]\u200d)*$':
    {
      en: 'must not have control or invisible characters, such as ends of lines',
      ko: '줄 바꿈 같은 제어 문자나 보이지 않는 문자가 있으면 안 됩니다',
    },
  '^[!-~]+$': {
    en: 'must be visible ASCII characters without spaces',
    ko: '공백 없이 보이는 ASCII 문자여야 합니다',
  },
  '^[\\x21-\\x7e]*$': {
    en: 'must be visible ASCII characters without spaces',
    ko: '공백 없이 보이는 ASCII 문자여야 합니다',
  },
};

/** The message of our own rules in CEL, which are all of this form. */
const FROM_TO = /must be from (\d+) to (\d+)$/;

/** For a rule without a message; test/grpc/violation-messages.test.ts fails for one in the contracts. */
export const UNKNOWN_RULE: LocalizedText = {
  en: 'is not a value that may stand here',
  ko: '허용되지 않는 값입니다',
};

/** The message for a broken rule. */
export function violationMessage(broken: BrokenRule): LocalizedText {
  const { ruleId, message } = broken;
  const [, from, to] = FROM_TO.exec(message) ?? [];
  if (from !== undefined && to !== undefined) return mustBeFromTo(from, to);
  // A malformed text and an empty one break the same rule under two ids: `string.uuid`, `string.uuid_empty`.
  const rule = ruleId.slice(ruleId.indexOf('.') + 1).replace(/_empty$/, '');
  return (BY_RULE[ruleId] ?? BY_RULE[rule])?.((name) => valueBeside(broken, name)) ?? UNKNOWN_RULE;
}

function valueBeside({ field, rule }: BrokenRule, name: string): string {
  const broken = field.findLast((step) => step.kind === 'field') as DescField | undefined;
  if (!broken) return '';
  // The rules of a type and of a list's items are messages within the rules of the field.
  let rules: ReflectMessage = reflect(FieldRulesSchema, getOption(broken, fieldRules));
  for (const step of rule.slice(0, -1)) {
    if (step.kind === 'field' && step.fieldKind === 'message') rules = rules.get(step) as ReflectMessage;
  }
  const sibling = rules.desc.fields.find(({ localName }) => localName === name);
  return sibling ? textOf(rules.get(sibling)) : '';
}

/** Durations in seconds, everything else as it is. */
function textOf(value: unknown): string {
  const seconds = (value as { message?: { seconds?: bigint } }).message?.seconds;
  return seconds === undefined ? String(value) : `${seconds}s`;
}
