// Signatures over requests (RFC 9421), as the server verifies them.

export { sha256Of } from './content-digest.ts';
export {
  isBodyOf,
  type ParsedSignature,
  parseSignature,
  parseSignatureHeaders,
  type SignatureFault,
  type SignedRequest,
  type SignedRequestView,
  type UnacceptableSignature,
} from './parse-signature.ts';
export { type Algorithm, SIGNED_HEADERS, type SignedHeader, splitTarget, type Target } from './profile.ts';
export { type VerifyingKey, verifySignature } from './verify.ts';
