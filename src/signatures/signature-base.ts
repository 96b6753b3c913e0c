// The signature base (RFC 9421, section 2.5): the text that a signature signs.
import type { SignedRequestView } from './profile.ts';

/**
 * The value of a component of a request, as it was received. Undefined for a header that the request does not have, and for
 * what is no component of our profile. No header may be repeated.
 */
export function componentOf(
  { method, path, query, headers }: SignedRequestView,
  name: string,
): string | undefined {
  switch (name) {
    case '@method':
      return method;
    case '@path':
      return path;
    case '@query':
      // RFC 9421, section 2.2.7: an absent query is the question mark alone.
      return query === '' ? '?' : query;
    case 'content-digest':
    case 'x-user-id':
    case 'x-room-id':
    case 'idempotency-key':
      return headers[name]?.[0];
    default:
      return undefined;
  }
}

/** The line of a covered component. RFC 9421, section 2.1: a header's value goes in without the whitespace around it. */
export function lineOf(name: string, value: string): string {
  return `"${name}": ${value.trim()}\n`;
}

/**
 * The signature base: the lines of the covered components in the order of the signature's list, then `signatureParams`, the
 * list and its parameters as in Signature-Input, after the label.
 */
export function signatureBaseOf(lines: string, signatureParams: string): string {
  return `${lines}"@signature-params": ${signatureParams}`;
}
