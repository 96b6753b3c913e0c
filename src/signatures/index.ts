// Signatures over requests (RFC 9421), as the server verifies them.

export { sha256Of } from './content-digest.ts';
export {
  isBodyOf,
  type ParsedSignature,
  parseSignature,
  parseSignatureHeaders,
  SIGNATURE_FAULTS,
  type SignatureFault,
  type SignedRequest,
} from './parse-signature.ts';
export { SIGNED_HEADERS, type SignedRequestView, splitTarget, type Target } from './profile.ts';
export { hmacSha256 } from './sha256.ts';
export { type VerifyingKey, verifySignature } from './verify.ts';
