// Requests and answers of the operator's page: what a browser may send, and what it is told of an answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { withoutMapping } from '../keys/index.ts';

/** A form with names and ids of some hundred dead letters; nobody sends more. */
const MAX_FORM_BYTES = 16_384;
const FORM = 'application/x-www-form-urlencoded';

/**
 * Nothing but our own style sheet and forms; in no frame, in no cache. The referrer stays at our own pages: with `no-referrer`
 * browsers send `Origin: null` with forms, and the origin is what forms are checked by.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-robots-tag': 'noindex',
  'cache-control': 'no-store',
};

/** Sets what every answer has. */
export function setHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

/** Answers with a whole body. */
export function send(response: ServerResponse, status: number, body: string, type = 'text/html'): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
}

/** Sends the browser on with a GET; `location` is a path of ours, made of checked ids. */
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end();
}

/** The address at the other end of the connection; a proxy's where one is between, because anybody can name another. */
export function addressOf(request: IncomingMessage): string {
  return withoutMapping(request.socket.remoteAddress ?? '');
}

/** Whether a browser says that a page of ours made the request; one that says nothing of it is refused. */
export function isFromOurPage({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  // The scheme may differ: TLS may end in front of us.
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === host;
  return site === 'same-origin';
}

/** A form, or the status with which it is refused: 413 where it is too large, 415 where it is no form, 400 where it broke off. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | 400 | 413 | 415> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== FORM) return 415;
  if (Number(request.headers['content-length'] ?? 0) > MAX_FORM_BYTES) return 413;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_FORM_BYTES) return 413;
      chunks.push(chunk);
    }
  } catch {
    // Anybody can break off as often as they like, so it is no error of ours that would be logged.
    return 400;
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

/** The value of our cookie; empty where there is none, or more than one. */
export function readCookie(request: IncomingMessage): string {
  const start = `${cookieName(request)}=`;
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start));
  return found.length === 1 ? (found[0] ?? '').slice(start.length) : '';
}

/** Sets our cookie until the browser is closed; an empty value deletes it. */
export function setCookie(request: IncomingMessage, response: ServerResponse, value: string): void {
  const place = isOverTls(request) ? 'Path=/; Secure' : 'Path=/operator';
  const end = value === '' ? '; Max-Age=0' : '';
  response.setHeader(
    'set-cookie',
    `${cookieName(request)}=${value}; HttpOnly; SameSite=Strict; ${place}${end}`,
  );
}

/** Over TLS a name that no other host and no page without TLS can set (RFC 6265bis, cookie name prefixes). */
function cookieName(request: IncomingMessage): string {
  return isOverTls(request) ? '__Host-ppuri-operator' : 'ppuri-operator';
}

/** As the proxy in front of us says. Who lies about it changes only the cookie of the own browser. */
function isOverTls({ headers }: IncomingMessage): boolean {
  // Several proxies make a list; the first one spoke with the browser.
  return /^https(?:,|$)/.test(String(headers['x-forwarded-proto'] ?? ''));
}
