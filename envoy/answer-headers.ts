// Headers that the edge puts on REST answers by itself, its own as well as the servers'.

/** When a version of the API is on its way out. */
export interface Deprecation {
  /** From when on it is deprecated, as an ISO date or time; may be ahead. */
  readonly since: string;
  /** When it is going to be switched off, likewise. */
  readonly sunset?: string;
  /** Where its callers read what to do instead. */
  readonly link?: string;
}

/** One header, as Envoy's configuration has it. */
export interface HeaderToAdd {
  readonly header: { readonly key: string; readonly value: string };
  readonly append_action: 'OVERWRITE_IF_EXISTS_OR_ADD';
}

/** A header that replaces one of the same name. */
export function header(key: string, value: string): HeaderToAdd {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

/**
 * Nothing that we answer is a page, belongs into a frame, or may lie in a cache, and browsers are told so.
 * Strict-Transport-Security means something over TLS alone (RFC 6797, section 7.2).
 */
export function securityHeaders(hasTls: boolean): HeaderToAdd[] {
  return [
    header('x-content-type-options', 'nosniff'),
    header('cache-control', 'no-store'),
    header('content-security-policy', "default-src 'none'; frame-ancestors 'none'"),
    header('x-frame-options', 'DENY'),
    header('referrer-policy', 'no-referrer'),
    ...(hasTls ? [header('strict-transport-security', 'max-age=31536000')] : []),
  ];
}

/** Deprecation (RFC 9745), Sunset (RFC 8594) and where to read on; nothing for a version that stays. */
export function deprecationHeaders(deprecation: Deprecation | undefined): HeaderToAdd[] {
  if (!deprecation) return [];
  const { since, sunset, link } = deprecation;
  return [
    header('deprecation', `@${Math.floor(momentOf(since).getTime() / 1000)}`),
    ...(sunset === undefined ? [] : [header('sunset', momentOf(sunset).toUTCString())]),
    // Envoy reads a single percent sign as the start of one of its own words.
    ...(link === undefined ? [] : [header('link', `<${link.replaceAll('%', '%%')}>; rel="deprecation"`)]),
  ];
}

function momentOf(text: string): Date {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) throw new TypeError(`${text} is not a time`);
  return moment;
}
