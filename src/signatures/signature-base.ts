// The signature base (RFC 9421, section 2.5): the text that a signature signs.
import { type Component, PRINTABLE, SIGNED_HEADERS, type SignedHeader, type Target } from './profile.ts';

/** The components of a request that must be covered, with their values in the signature base. */
export type Components = ReadonlyMap<Component, string>;

/**
 * The components of a request with these headers. Undefined when a value is not printable ASCII: a line break in it could
 * look like another line of the base.
 */
export function componentsOf(
  { method, path, query }: Target,
  headers: Readonly<Partial<Record<SignedHeader, string>>>,
): Components | undefined {
  const components = new Map<Component, string>([
    ['@method', method],
    ['@path', path],
    // RFC 9421, section 2.2.7: an absent query is the question mark alone.
    ['@query', query === '' ? '?' : query],
  ]);
  for (const name of SIGNED_HEADERS) {
    const value = headers[name];
    if (value !== undefined) components.set(name, value);
  }
  for (const [name, value] of components) {
    if (!PRINTABLE.test(value)) return undefined;
    // Section 2.1: a header's value goes in without the whitespace around it.
    components.set(name, value.trim());
  }
  return components;
}

/**
 * The signature base: a line for each covered component in the order of the signature's list, then `signatureParams`, the
 * list and its parameters as in Signature-Input, after the label.
 */
export function signatureBaseOf(
  lines: Iterable<readonly [name: string, value: string]>,
  signatureParams: string,
): string {
  let base = '';
  for (const [name, value] of lines) base += `"${name}": ${value}\n`;
  return `${base}"@signature-params": ${signatureParams}`;
}
