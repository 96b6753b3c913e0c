// Our profile of RFC 9421: what a signature covers, what it says of itself, and how long its headers may be.

/** The ways to sign that we accept, by their names in RFC 9421, section 6.2. */
export type Algorithm = 'hmac-sha256' | 'ed25519';

/** Headers that mean something to us: who carries one of them must sign it. */
export const SIGNED_HEADERS = ['content-digest', 'x-user-id', 'x-room-id', 'idempotency-key'] as const;
export type SignedHeader = (typeof SIGNED_HEADERS)[number];

/** What a signature may cover: the request's target (RFC 9421, section 2.2) and those headers, nothing else. */
export type Component = '@method' | '@path' | '@query' | SignedHeader;

/** Where a request goes, as it stands on the wire: percent-encoded, not resolved, not normalized. */
export interface Target {
  /** In upper case: `POST`. Over gRPC always `POST`. */
  readonly method: string;
  /** `/api/v1/sprinkles/a1Z/claim`; over gRPC `/wallet.v1.WalletService/Transfer`. */
  readonly path: string;
  /** With its question mark: `?page_size=10`. Empty, or `?`, when there is none, as always over gRPC. */
  readonly query: string;
}

/** Splits what HTTP calls a request target, `/path?query`, as it stands on the wire, at its first question mark. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?');
  return mark === -1
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark) };
}

/** How long a header may be, in characters: enough for the longest key id and nonce, and for other writers' spaces. */
export const MAX_SIGNATURE_INPUT_LENGTH = 1024;
export const MAX_SIGNATURE_LENGTH = 256;

/** Long enough that 128 random bits fit in: no two signatures of a key ever meet by chance. */
export const NONCE = /^[A-Za-z0-9_+/=-]{22,128}$/;
export const KEY_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** Visible ASCII, spaces and tabs: RFC 9421, section 2.5, allows nothing else into a signature base. */
export const PRINTABLE = /^[\t\x20-\x7e]*$/;
