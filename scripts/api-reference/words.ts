// The words of the pages in the reader's language. English is the key: a text that changes needs a new translation.
import { readFileSync } from 'node:fs';

/** The languages of the reference. */
export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];

/** A text in the reader's language. Names in braces are put in afterwards: `{count} results`. */
export type Translate = (english: string, values?: Readonly<Record<string, string | number>>) => string;

const FILE = new URL('../../docs/api/ko.json', import.meta.url);

/** The Korean texts by the English ones. */
export function readKorean(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(FILE, 'utf8'));
}

/** Is told which texts are asked for, and which of them have no translation. */
export interface TextWatch {
  readonly onUse?: (english: string) => void;
  readonly onMissing?: (english: string) => void;
}

/** The translator into a language. A text without a translation stays English. */
export function translator(language: Language, { onUse, onMissing }: TextWatch): Translate {
  const korean = language === 'ko' ? readKorean() : undefined;
  return (english, values = {}) => {
    const found = korean?.[english];
    onUse?.(english);
    if (korean && found === undefined && english !== '') onMissing?.(english);
    const text = found ?? english;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };
}
