// Texts of answers in English and Korean, and those that fields share.

/** One text in each language; of a field, it follows the name of the field. */
export interface LocalizedText {
  readonly en: string;
  readonly ko: string;
}

/** For a required field that is missing. */
export const IS_REQUIRED: LocalizedText = { en: 'is required', ko: '필수 값입니다' };

/** For a field that takes only certain values. */
export function mustBeOneOf(values: readonly string[]): LocalizedText {
  const list = values.join(', ');
  return { en: `must be one of ${list}`, ko: `다음 중 하나여야 합니다: ${list}` };
}

/** For a field that takes values in a range, both ends included. */
export function mustBeFromTo(from: bigint | number | string, to: bigint | number | string): LocalizedText {
  return { en: `must be from ${from} to ${to}`, ko: `${from} 이상 ${to} 이하여야 합니다` };
}
