// Reads the signature of a request and checks all of it that needs no key: its form, what it covers, the body's digest.
import type { BareItem } from 'structured-headers';
import { isBody, isContentDigestOf } from './content-digest.ts';
import {
  type Algorithm,
  KEY_ID,
  MAX_SIGNATURE_LENGTH,
  NONCE,
  SIGNED_HEADERS,
  type SignedHeader,
  type Target,
} from './profile.ts';
import { type Components, componentsOf, signatureBaseOf } from './signature-base.ts';
import { readSignatureInput, type SignatureInput } from './signature-input.ts';

/** What of a request a signature covers. Of the body it is the digest that the signer states, in a header. */
export interface SignedRequestView extends Target {
  /** Each header as often as it was sent, so that a repeated one is seen. Other headers may be present too. */
  readonly headers: Readonly<
    Partial<Record<SignedHeader | 'signature-input' | 'signature', readonly string[]>>
  >;
}

/** A signed request as it was received. */
export interface SignedRequest extends SignedRequestView {
  /** The SHA-256 of the body's bytes as received, 32 bytes; where there is no body, that of no bytes (`sha256Of`). */
  readonly bodySha256: Uint8Array;
}

/** A signature that is well formed and covers all that it must. Whether it is right, only its key can tell. */
export interface ParsedSignature {
  readonly keyId: string;
  /** When the caller says to have signed, in whole seconds since 1970. */
  readonly created: number;
  readonly nonce: string;
  /** What the caller says to have signed with; the key's own kind decides. */
  readonly alg: Algorithm;
  /** The signature base (RFC 9421, section 2.5) of the request as it was received. */
  readonly base: string;
  readonly signature: Uint8Array;
  /** What the signer says of the body; whether that is true, `isBodyOf` tells. */
  readonly contentDigest: string | undefined;
}

/**
 * Why a signature is refused before its key is looked at. For logs and counters; callers get one answer for all.
 *
 * - `missing`: there is no Signature-Input or no Signature
 * - `repeated-header`: one of the two, or a header that must be covered, was sent more than once
 * - `malformed-input`, `malformed-signature`: the header is too long, not well formed, or not of exactly one signature
 * - `labels-differ`: the two headers do not speak of the same signature
 * - `parameters`: created, nonce, keyid or alg is missing or not of its form, or there are others
 * - `unprintable`: what must be covered is not printable ASCII
 * - `coverage`: it covers less or more than the request carries, something twice, or with parameters
 * - `content-digest`: it is missing though there is a body, or it is not the body's SHA-256
 */
export type SignatureFault =
  | 'missing'
  | 'repeated-header'
  | 'malformed-input'
  | 'malformed-signature'
  | 'labels-differ'
  | 'parameters'
  | 'unprintable'
  | 'coverage'
  | 'content-digest';

export interface UnacceptableSignature {
  readonly fault: SignatureFault;
}

const refuse = (fault: SignatureFault): UnacceptableSignature => ({ fault });

/** Reads the signature of a request and holds its body to it. Never throws, whatever was received. */
export function parseSignature(request: SignedRequest): ParsedSignature | UnacceptableSignature {
  const signature = parseSignatureHeaders(request);
  return 'fault' in signature || isBodyOf(signature, request.bodySha256)
    ? signature
    : refuse('content-digest');
}

/**
 * Reads the signature of a request without looking at its body: with `isBodyOf` after it was found right, nobody who
 * cannot sign has a body hashed. Never throws, whatever was received.
 */
export function parseSignatureHeaders(request: SignedRequestView): ParsedSignature | UnacceptableSignature {
  const carried = readHeaders(request.headers);
  if ('fault' in carried) return carried;
  const { 'signature-input': inputField, signature: signatureField, ...signedHeaders } = carried;
  if (inputField === undefined || signatureField === undefined) return refuse('missing');

  const input = readSignatureInput(inputField);
  if (input === undefined) return refuse('malformed-input');
  const signature = readSignature(signatureField);
  if (signature === undefined) return refuse('malformed-signature');
  if (input.label !== signature.label) return refuse('labels-differ');

  const parameters = readParameters(input.parameters);
  if (parameters === undefined) return refuse('parameters');
  const components = componentsOf(request, signedHeaders);
  if (components === undefined) return refuse('unprintable');
  const lines = cover(input.covered, components);
  if (lines === undefined) return refuse('coverage');
  return {
    ...parameters,
    base: signatureBaseOf(lines, input.text),
    signature: signature.bytes,
    contentDigest: components.get('content-digest'),
  };
}

const READ_HEADERS = ['signature-input', 'signature', ...SIGNED_HEADERS] as const;

function readHeaders(
  headers: SignedRequest['headers'],
): Partial<Record<(typeof READ_HEADERS)[number], string>> | UnacceptableSignature {
  const read: Partial<Record<(typeof READ_HEADERS)[number], string>> = {};
  for (const name of READ_HEADERS) {
    const values = headers[name];
    if (values === undefined) continue;
    if (values.length > 1) return refuse('repeated-header');
    if (values[0] !== undefined) read[name] = values[0];
  }
  return read;
}

/** `label=:base64:`, a dictionary of one byte sequence (RFC 9651, sections 3.2 and 3.3.5). */
const SIGNATURE = /^ *([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}): *$/;

/** So little can stand there that reading it with the parser of structured fields would cost more than checking it. */
function readSignature(field: string): { readonly label: string; readonly bytes: Buffer } | undefined {
  if (field.length > MAX_SIGNATURE_LENGTH) return undefined;
  const [, label, base64] = SIGNATURE.exec(field) ?? [];
  if (label === undefined || base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  // Base64 can be written in several ways, and only the one way of RFC 4648, section 4, is taken.
  return bytes.toString('base64') === base64 ? { label, bytes } : undefined;
}

/**
 * The signature's own parameters. They are the four of our profile, each of them and no other: an `expires` or a `tag`
 * that we do not honour would be a promise to the signer that nobody keeps.
 */
function readParameters(
  parameters: SignatureInput['parameters'],
): Pick<ParsedSignature, 'keyId' | 'created' | 'nonce' | 'alg'> | undefined {
  const created = parameters.get('created');
  const nonce = parameters.get('nonce');
  const keyId = parameters.get('keyid');
  const alg = parameters.get('alg');
  // A decimal such as 17.0 is a number too, but it has not come this far: written down again it is not what was sent.
  if (typeof created !== 'number' || !Number.isSafeInteger(created) || created < 0) return undefined;
  if (typeof nonce !== 'string' || !NONCE.test(nonce)) return undefined;
  if (typeof keyId !== 'string' || !KEY_ID.test(keyId)) return undefined;
  if (!isAlgorithm(alg) || parameters.size !== 4) return undefined;
  return { keyId, created, nonce, alg };
}

function isAlgorithm(alg: BareItem | undefined): alg is Algorithm {
  return alg === 'hmac-sha256' || alg === 'ed25519';
}

/**
 * The lines of the base, in the order of the signature's list. Undefined unless what it covers is exactly what the
 * request carries, each component once: what is left out could be altered, and what is not there cannot be signed.
 */
function cover(covered: SignatureInput['covered'], components: Components): Map<string, string> | undefined {
  const values: ReadonlyMap<string, string> = components;
  const lines = new Map<string, string>();
  for (const name of covered) {
    const value = name === undefined ? undefined : values.get(name);
    if (name === undefined || value === undefined) return undefined;
    lines.set(name, value);
  }
  return covered.length === components.size && lines.size === components.size ? lines : undefined;
}

/** Whether the digest that is signed is the body's. A request without a body needs none; if it has one, it must be right. */
export function isBodyOf({ contentDigest }: ParsedSignature, bodySha256: Uint8Array): boolean {
  return contentDigest === undefined ? !isBody(bodySha256) : isContentDigestOf(contentDigest, bodySha256);
}
