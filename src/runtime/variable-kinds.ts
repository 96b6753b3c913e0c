// The kinds of variables that there are: what a value of each looks like, and how it is read.
import { readFileSync } from 'node:fs';
import { isTimeZone } from '../domain/calendar.ts';
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

/** The name of a time zone. */
export function timeZone(name: string, meaning: string, fallback: string): Variable<string> {
  const parse = (value: string) => (isTimeZone(value) ? value : undefined);
  return { ...PLAIN, name, meaning, fallback, bounds: 'a name of the IANA time zone database', parse };
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

/** A share, from 0 (none) to 1 (all). */
export function share(name: string, meaning: string, fallback: number): Variable<number> {
  const parse = (value: string) => {
    const number = Number(value);
    return /^\d(\.\d+)?$/.test(value) && number <= 1 ? number : undefined;
  };
  return { ...PLAIN, name, meaning, fallback: String(fallback), bounds: 'a number from 0 to 1', parse };
}

/** Headers of HTTP requests, `name=value,name=value`; none where it is not set. They count as secrets. */
export function headers(name: string, meaning: string): Variable<Readonly<Record<string, string>>> {
  const parse = (value: string) => {
    const pairs = value.split(',').filter((pair) => pair.trim() !== '');
    const entries = pairs.map((pair) => /^\s*([\w-]+)\s*=\s*([\x21-\x7e]+)\s*$/.exec(pair));
    if (entries.includes(null)) return undefined;
    return Object.fromEntries(entries.map((entry) => [entry?.[1] ?? '', entry?.[2] ?? '']));
  };
  return {
    ...PLAIN,
    name,
    meaning,
    fallback: '',
    isSecret: true,
    bounds: 'NAME=VALUE, several separated by commas',
    parse,
  };
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

/** Key-encryption keys that may be left out. */
export function optionalSealingKeys(name: string, meaning: string): Variable<SealingKeys | undefined> {
  return { ...sealingKeys(name, meaning), isRequired: false } as Variable<SealingKeys | undefined>;
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

/** The same variable, whose value is not printed. */
export function hidden<T>(variable: Variable<T>): Variable<T> {
  return { ...variable, isSecret: true };
}

const MAX_ADDRESSES = 16;
/** A name or an address, with IPv6 in brackets. */
const ADDRESS = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i;

/** Hosts with their ports, separated by commas; none where it is not set. */
export function addresses(
  name: string,
  meaning: string,
): Variable<readonly { readonly host: string; readonly port: number }[]> {
  const parse = (value: string) => {
    const words = value.split(',').flatMap((word) => word.trim() || []);
    const found = words.map((word) => {
      const [, six, host = six ?? '', port] = ADDRESS.exec(word) ?? [];
      return { host, port: Number(port) };
    });
    const isGood = found.every(({ host, port }) => host !== '' && port >= 1 && port <= 65_535);
    return isGood && words.length <= MAX_ADDRESSES && new Set(words).size === words.length
      ? found
      : undefined;
  };
  const bounds = `up to ${MAX_ADDRESSES} different HOST:PORT separated by commas`;
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
