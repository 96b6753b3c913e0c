// Headers that the edge adds to all REST answers, its own and those of the servers.

/** The deprecation of a version of the API. */
export interface Deprecation {
  /** Since when it is deprecated, as an ISO date or time; may be in the future. */
  readonly since: string;
  /** When it will be switched off, as an ISO date or time. */
  readonly sunset?: string;
  /** The URL of instructions for its callers. */
  readonly link?: string;
}

/** A header in Envoy's configuration. */
export interface HeaderToAdd {
  readonly header: { readonly key: string; readonly value: string };
  readonly append_action: 'OVERWRITE_IF_EXISTS_OR_ADD';
}

/** A header that replaces one of the same name. */
export function header(key: string, value: string): HeaderToAdd {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

/**
 * Tell browsers that no answer is a page, may be framed or may be cached. Strict-Transport-Security is sent only over TLS
 * (RFC 6797, section 7.2).
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

/** Deprecation (RFC 9745), Sunset (RFC 8594) and a link; no headers for a version without deprecation. */
export function deprecationHeaders(deprecation: Deprecation | undefined): HeaderToAdd[] {
  if (!deprecation) return [];
  const { since, sunset, link } = deprecation;
  return [
    header('deprecation', `@${Math.floor(momentOf(since).getTime() / 1000)}`),
    ...(sunset === undefined ? [] : [header('sunset', momentOf(sunset).toUTCString())]),
    // To Envoy a single percent sign starts a command operator.
    ...(link === undefined ? [] : [header('link', `<${link.replaceAll('%', '%%')}>; rel="deprecation"`)]),
  ];
}

function momentOf(text: string): Date {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) throw new TypeError(`${text} is not a time`);
  return moment;
}
