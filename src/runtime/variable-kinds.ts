// The kinds of variables that there are: what a value of each looks like, and how it is read.
import { readFileSync } from 'node:fs';
import { readNetworks, type SealingKeys } from '../keys/index.ts';
import type { Variable } from './env.ts';

const SECRET_LENGTH = 16;
const KEY_BYTES = 32;

const PLAIN = { unit: undefined, fallback: undefined, isRequired: false, isSecret: false } as const;

/** Any text. */
export function text(name: string, meaning: string, fallback: string): Variable<string> {
  return { ...PLAIN, name, meaning, fallback, bounds: 'a text', parse: (value) => value };
}

/** A text that may be left out. */
export function optionalText(name: string, meaning: string): Variable<string | undefined> {
  return { ...PLAIN, name, meaning, bounds: 'a text', parse: (value) => value };
}

/** A whole number. */
export function whole(
  name: string,
  meaning: string,
  { fallback, min, max, unit }: { fallback: number; min: number; max: number; unit?: string },
): Variable<number> {
  const parse = (value: string) => {
    const number = Number(value);
    return /^\d+$/.test(value) && number >= min && number <= max ? number : undefined;
  };
  const bounds = `a whole number from ${min} to ${max}`;
  return { ...PLAIN, name, meaning, unit, fallback: String(fallback), bounds, parse };
}

/** One of several words. */
export function choice<const T extends string>(
  name: string,
  meaning: string,
  choices: readonly T[],
  fallback: T,
): Variable<T> {
  const parse = (value: string) => choices.find((known) => known === value);
  return { ...PLAIN, name, meaning, fallback, bounds: `one of ${choices.join(', ')}`, parse };
}

/** `true` or `false`. */
export function flag(name: string, meaning: string, fallback: boolean): Variable<boolean> {
  const parse = (value: string) => (value === 'true' ? true : value === 'false' ? false : undefined);
  return { ...PLAIN, name, meaning, fallback: String(fallback), bounds: 'true or false', parse };
}

/** A URL of one of these schemes, such as `redis:`. It counts as a secret: it may hold a password. */
export function url(name: string, meaning: string, schemes: readonly string[]): Variable<string> {
  return { ...optionalUrl(name, meaning, schemes), isRequired: true } as Variable<string>;
}

/** A URL that may be left out. */
export function optionalUrl(
  name: string,
  meaning: string,
  schemes: readonly string[],
): Variable<string | undefined> {
  const parse = (value: string) =>
    URL.canParse(value) && schemes.includes(new URL(value).protocol) ? value : undefined;
  const bounds = `a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`;
  return { ...PLAIN, name, meaning, isSecret: true, bounds, parse };
}

/** A secret that programs share. */
export function secret(name: string, meaning: string): Variable<string> {
  return { ...optionalSecret(name, meaning), isRequired: true } as Variable<string>;
}

/** A secret that may be left out. */
export function optionalSecret(name: string, meaning: string): Variable<string | undefined> {
  const parse = (value: string) => (value.length >= SECRET_LENGTH ? value : undefined);
  return { ...PLAIN, name, meaning, isSecret: true, bounds: `${SECRET_LENGTH} characters or more`, parse };
}

/** Key-encryption keys, `ID:KEY,ID:KEY`: the first one seals, all of them open. */
export function sealingKeys(name: string, meaning: string): Variable<SealingKeys> {
  const parse = (value: string): SealingKeys | undefined => {
    const [first, ...rest] = value.split(',').map((entry) => {
      const [id = '', encoded = ''] = entry.trim().split(':');
      return { id, key: Buffer.from(encoded, 'base64') };
    });
    if (!first) return undefined;
    const isGood = [first, ...rest].every(
      ({ id, key }) => /^[\w-]{1,32}$/.test(id) && key.length === KEY_BYTES,
    );
    return isGood ? [first, ...rest] : undefined;
  };
  const bounds = `ID:KEY, each KEY ${KEY_BYTES} bytes in base64, several separated by commas`;
  return { ...PLAIN, name, meaning, isRequired: true, isSecret: true, bounds, parse };
}

/** CIDR blocks separated by commas; none where it is not set. */
export function networks(name: string, meaning: string): Variable<readonly string[]> {
  const parse = (value: string) => {
    const blocks = value
      .split(',')
      .map((block) => block.trim())
      .filter((block) => block !== '');
    try {
      readNetworks(blocks, name);
      return blocks;
    } catch {
      return undefined;
    }
  };
  const bounds = 'CIDR blocks separated by commas, such as 10.0.0.0/8,2001:db8::/32';
  return { ...PLAIN, name, meaning, fallback: '', bounds, parse };
}

/** The path of a file; its content is read once, at the start. */
export function file(name: string, meaning: string): Variable<Buffer | undefined> {
  const parse = (path: string) => {
    try {
      return readFileSync(path);
    } catch {
      return undefined;
    }
  };
  return { ...PLAIN, name, meaning, bounds: 'the path of a file that can be read', parse };
}
