// Parses the signature of a request, and checks what needs no key: its form, its coverage, the digest of the body.
import type { BareItem } from 'structured-headers';
import { isBody, isContentDigestOf } from './content-digest.ts';
import {
  type Algorithm,
  COMPONENTS,
  KEY_ID,
  MAX_SIGNATURE_LENGTH,
  NONCE,
  PRINTABLE,
  SIGNED_HEADERS,
  type SignedRequestView,
} from './profile.ts';
import { componentOf, lineOf, signatureBaseOf } from './signature-base.ts';
import { type Parameters, readSignatureInput, type SignatureInput } from './signature-input.ts';

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
export type SignatureFault = (typeof SIGNATURE_FAULTS)[number];
export const SIGNATURE_FAULTS = [
  'missing',
  'repeated-header',
  'malformed-input',
  'malformed-signature',
  'labels-differ',
  'parameters',
  'unprintable',
  'coverage',
  'content-digest',
] as const;

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
  const { headers } = request;
  for (const name of READ_HEADERS) if ((headers[name]?.length ?? 0) > 1) return refuse('repeated-header');
  const inputField = headers['signature-input']?.[0];
  const signatureField = headers.signature?.[0];
  if (inputField === undefined || signatureField === undefined) return refuse('missing');

  const input = readSignatureInput(inputField);
  if (input === undefined) return refuse('malformed-input');
  const signature = readSignature(signatureField);
  if (signature === undefined) return refuse('malformed-signature');
  if (input.label !== signature.label) return refuse('labels-differ');

  const parameters = readParameters(input.parameters);
  if (parameters === undefined) return refuse('parameters');
  let required = 0;
  for (const name of COMPONENTS) {
    const value = componentOf(request, name);
    if (value === undefined) continue;
    // A line break in it could look like another line of the base.
    if (!PRINTABLE.test(value)) return refuse('unprintable');
    required += 1;
  }
  const lines = input.covered.length === required ? coveredLines(request, input.covered) : undefined;
  if (lines === undefined) return refuse('coverage');
  return {
    ...parameters,
    base: signatureBaseOf(lines, input.text),
    signature: signature.bytes,
    contentDigest: headers['content-digest']?.[0]?.trim(),
  };
}

const READ_HEADERS = ['signature-input', 'signature', ...SIGNED_HEADERS] as const;

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
  parameters: Parameters | undefined,
): Pick<ParsedSignature, 'keyId' | 'created' | 'nonce' | 'alg'> | undefined {
  if (parameters === undefined) return undefined;
  const { created, nonce, keyid: keyId, alg } = parameters;
  // A decimal such as 17.0 would be a number here too, but readSignatureInput refuses it: serialized again it differs.
  if (typeof created !== 'number' || !Number.isSafeInteger(created) || created < 0) return undefined;
  if (typeof nonce !== 'string' || !NONCE.test(nonce)) return undefined;
  if (typeof keyId !== 'string' || !KEY_ID.test(keyId)) return undefined;
  if (!isAlgorithm(alg)) return undefined;
  return { keyId, created, nonce, alg };
}

function isAlgorithm(alg: BareItem | undefined): alg is Algorithm {
  return alg === 'hmac-sha256' || alg === 'ed25519';
}

/**
 * The lines of the signature base, in the order of the signature's list. Undefined when it covers something twice, or what
 * the request does not have. So one with as many components as the request covers all of them: one that is not covered could
 * be altered.
 */
function coveredLines(request: SignedRequestView, covered: SignatureInput['covered']): string | undefined {
  let lines = '';
  for (let index = 0; index < covered.length; index++) {
    const name = covered[index];
    if (name === undefined || covered.indexOf(name) < index) return undefined;
    const value = componentOf(request, name);
    if (value === undefined) return undefined;
    lines += lineOf(name, value);
  }
  return lines;
}

/** Whether the signed digest is that of the body. A request without a body needs none, but one that is present must match. */
export function isBodyOf({ contentDigest }: ParsedSignature, bodySha256: Uint8Array): boolean {
  return contentDigest === undefined ? !isBody(bodySha256) : isContentDigestOf(contentDigest, bodySha256);
}
