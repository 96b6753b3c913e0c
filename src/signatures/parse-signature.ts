// Parses the signature of a request, and checks what needs no key: its form, its coverage, the digest of the body.
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

/** A signature that is well formed and covers what it must. It is not verified yet. */
export interface ParsedSignature {
  readonly keyId: string;
  /** The signer's time, in whole seconds since 1970. */
  readonly created: number;
  readonly nonce: string;
  /** The algorithm that the signer states. It must be that of the key. */
  readonly alg: Algorithm;
  /** The signature base (RFC 9421, section 2.5) of the request as it was received. */
  readonly base: string;
  readonly signature: Uint8Array;
  /** The Content-Digest that the signature covers. `isBodyOf` compares it with the body. */
  readonly contentDigest: string | undefined;
}

/**
 * Why a signature is refused before its key is used. For logs and counters only: callers get one answer for all.
 *
 * - `missing`: there is no Signature-Input or no Signature
 * - `repeated-header`: one of the two, or a header that must be covered, was sent more than once
 * - `malformed-input`, `malformed-signature`: the header is too long, not well formed, or not of exactly one signature
 * - `labels-differ`: the two headers have different labels
 * - `parameters`: created, nonce, keyid or alg is missing or malformed, or there are others
 * - `unprintable`: a covered value is not printable ASCII
 * - `coverage`: it covers less or more than the request carries, something twice, or with parameters
 * - `content-digest`: it is missing although there is a body, or it is not the body's SHA-256
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

/** A signature that is refused before its key is used. */
export interface UnacceptableSignature {
  readonly fault: SignatureFault;
}

const refuse = (fault: SignatureFault): UnacceptableSignature => ({ fault });

/** Parses the signature of a request and compares the digest of its body. Never throws. */
export function parseSignature(request: SignedRequest): ParsedSignature | UnacceptableSignature {
  const signature = parseSignatureHeaders(request);
  return 'fault' in signature || isBodyOf(signature, request.bodySha256)
    ? signature
    : refuse('content-digest');
}

/**
 * Parses the signature of a request without its body. With `isBodyOf` after the verification, the bodies of requests with
 * wrong signatures are never hashed. Never throws.
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

/** A regular expression: the parser of structured fields would cost more than the rest of the check. */
function readSignature(field: string): { readonly label: string; readonly bytes: Buffer } | undefined {
  if (field.length > MAX_SIGNATURE_LENGTH) return undefined;
  const [, label, base64] = SIGNATURE.exec(field) ?? [];
  if (label === undefined || base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  // Decoders accept several forms of base64; only that of RFC 4648, section 4, is accepted here.
  return bytes.toString('base64') === base64 ? { label, bytes } : undefined;
}

/**
 * The signature's parameters: the four of our profile and no others. An `expires` or a `tag` that we ignore would mislead
 * the signer.
 */
function readParameters(
  parameters: SignatureInput['parameters'],
): Pick<ParsedSignature, 'keyId' | 'created' | 'nonce' | 'alg'> | undefined {
  const created = parameters.get('created');
  const nonce = parameters.get('nonce');
  const keyId = parameters.get('keyid');
  const alg = parameters.get('alg');
  // A decimal such as 17.0 would be a number here too, but readSignatureInput refuses it: serialized again it differs.
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
 * The lines of the signature base, in the order of the signature's list. Undefined unless it covers exactly the components
 * that the request has, each once: one that is not covered could be altered.
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

/** Whether the signed digest is that of the body. A request without a body needs none, but one that is present must match. */
export function isBodyOf({ contentDigest }: ParsedSignature, bodySha256: Uint8Array): boolean {
  return contentDigest === undefined ? !isBody(bodySha256) : isContentDigestOf(contentDigest, bodySha256);
}
