// The bounds of requests. The contracts state them for callers; they are checked here once more, because they protect the
// ledger and the event loop.

import { type LocalizedText, mustBeFromTo } from './localized-text.ts';
import { refuseField } from './refusal.ts';

/** Characters of a memo, of the name of a user, room, wallet or key, and of the key of a payout's line. */
const MAX_MEMO_LENGTH = 200;
const MAX_NAME_LENGTH = 100;
export const MAX_LINE_KEY_LENGTH = 64;
/** The largest amount of a request: the largest integer that every JSON client represents exactly. */
export const MAX_AMOUNT = 2n ** 53n - 1n;
/** The largest amount of a sprinkle: the limit of unbiased draws of the random source. */
export const MAX_SPRINKLE_AMOUNT = 2n ** 48n - 1n;
/** Shares of a sprinkle: drawing this many blocks the event loop for a few milliseconds. */
export const MAX_HEADCOUNT = 10_000;
/** Elements of a list in a request. */
export const MAX_ITEMS = 1000;
/** Items on a page. */
export const MAX_PAGE_SIZE = 100;

/** Zero-width and bidirectional formatting, fillers and tags. */
const INVISIBLE =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f' +
  '\\u2800\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}';
const EMOJI = '\\u2190-\\u2bff\\ufe0f\\u{1f000}-\\u{1faff}';

/**
 * Text that people see: no control characters, and none that are invisible or change the text direction (Unicode's
 * zero-width and bidirectional formatting, tags, fillers), because they make one name look like another. A zero-width
 * joiner is allowed after an emoji, where it combines emojis. The contracts have the same pattern in RE2;
 * test/domain/bounds.test.ts compares them.
 */
const PLAIN_TEXT = new RegExp(`^(?:[^\\p{Cc}${INVISIBLE}]|[${EMOJI}]\\u200d)*$`, 'u');

const PLAIN_WORDS: LocalizedText = {
  en: 'must not have control or invisible characters',
  ko: '제어 문자나 보이지 않는 문자가 있으면 안 됩니다',
};

/** Whether a text has no control or invisible characters. */
export function isPlainText(text: string): boolean {
  return PLAIN_TEXT.test(text);
}

/** Refuses INVALID_FIELD for a memo that is too long or has control or invisible characters. */
export function checkMemo(memo: string, field = 'memo'): void {
  checkText(memo, MAX_MEMO_LENGTH, field);
}

/** Refuses INVALID_FIELD for a name that is empty, too long or has control or invisible characters. */
export function checkName(name: string, field = 'display_name'): void {
  if (name === '') throw refuseField('INVALID_FIELD', field, lengthWords(1, MAX_NAME_LENGTH));
  checkText(name, MAX_NAME_LENGTH, field);
}

/** Refuses INVALID_FIELD for an amount, in the smallest unit of its currency, that is not from 1 to `most`. */
export function checkAmount(amount: bigint, field = 'amount', most = MAX_AMOUNT): void {
  if (amount < 1n || amount > most) throw refuseField('INVALID_FIELD', field, mustBeFromTo(1n, most));
}

/** Refuses INVALID_FIELD for a number that is not from 1 to `most`: a headcount, the length of a list. */
export function checkCount(count: number, most: number, field: string): void {
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw refuseField('INVALID_FIELD', field, mustBeFromTo(1, most));
  }
}

function checkText(text: string, most: number, field: string): void {
  // A character is a code point, as the contracts and Postgres count them: one or two UTF-16 units.
  const isTooLong = text.length > most && (text.length > 2 * most || [...text].length > most);
  if (isTooLong) throw refuseField('INVALID_FIELD', field, lengthWords(0, most));
  if (text !== '' && !isPlainText(text)) throw refuseField('INVALID_FIELD', field, PLAIN_WORDS);
}

function lengthWords(least: number, most: number): LocalizedText {
  return least === 0
    ? { en: `must have at most ${most} characters`, ko: `${most}자 이하여야 합니다` }
    : { en: `must have ${least} to ${most} characters`, ko: `${least}~${most}자여야 합니다` };
}
