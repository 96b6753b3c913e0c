// What is said of a field that is wrong, in every language that answers speak.

/** One sentence in each language, about a field whose name stands before it. */
export interface Words {
  readonly en: string;
  readonly ko: string;
}

/** A field that must be there is not. */
export const IS_REQUIRED: Words = { en: 'is required', ko: '필수 값입니다' };

/** The field takes only certain values. */
export function mustBeOneOf(values: readonly string[]): Words {
  const list = values.join(', ');
  return { en: `must be one of ${list}`, ko: `다음 중 하나여야 합니다: ${list}` };
}

/** The field takes values from one to another, both included. */
export function mustBeFromTo(from: bigint | number | string, to: bigint | number | string): Words {
  return { en: `must be from ${from} to ${to}`, ko: `${from} 이상 ${to} 이하여야 합니다` };
}
