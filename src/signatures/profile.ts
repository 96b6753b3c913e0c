// Our profile of RFC 9421: the components that a signature covers, its parameters, and the limits of its headers.

/** The accepted algorithms, by their names in RFC 9421, section 6.2. */
export type Algorithm = 'hmac-sha256' | 'ed25519';

/** Headers that have a meaning to the server. A request that has one of them must sign it. */
export const SIGNED_HEADERS = ['content-digest', 'x-user-id', 'x-room-id', 'idempotency-key'] as const;
/** One of these headers. */
export type SignedHeader = (typeof SIGNED_HEADERS)[number];

/** The components that a signature may cover: the request's target (RFC 9421, section 2.2) and these headers. */
export const COMPONENTS = ['@method', '@path', '@query', ...SIGNED_HEADERS] as const;

/** The target of a request as on the wire: percent-encoded, not resolved, not normalized. */
export interface Target {
  /** In upper case: `POST`. Over gRPC always `POST`. */
  readonly method: string;
  /** `/api/v1/sprinkles/a1Z/claim`; over gRPC `/wallet.v1.WalletService/Transfer`. */
  readonly path: string;
  /** With its question mark: `?page_size=10`. Empty, or `?`, when there is none, as always over gRPC. */
  readonly query: string;
}

/** What of a request a signature covers. Of the body it is the digest that the signer states, in a header. */
export interface SignedRequestView extends Target {
  /** Each header as often as it was sent, so that a repeated one is seen. Other headers may be present too. */
  readonly headers: Readonly<
    Partial<Record<SignedHeader | 'signature-input' | 'signature', readonly string[]>>
  >;
}

/** Splits an HTTP request target, `/path?query`, at its first question mark. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?');
  return mark === -1
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark) };
}

/** The maximum length of Signature-Input in characters: enough for the longest key id and nonce, and for optional spaces. */
export const MAX_SIGNATURE_INPUT_LENGTH = 1024;
/** The maximum length of Signature in characters. */
export const MAX_SIGNATURE_LENGTH = 256;

/** 22 characters hold 128 random bits, so nonces of a key do not collide by accident. */
export const NONCE = /^[A-Za-z0-9_+/=-]{22,128}$/;
/** The form of a key id. */
export const KEY_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** Visible ASCII, spaces and tabs: RFC 9421, section 2.5, allows nothing else into a signature base. */
export const PRINTABLE = /^[\t\x20-\x7e]*$/;
