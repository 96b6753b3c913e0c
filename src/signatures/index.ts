// Signatures over requests (RFC 9421), as the server verifies them.

export { sha256Of } from './content-digest.ts';
export {
  isBodyOf,
  type ParsedSignature,
  parseSignature,
  parseSignatureHeaders,
  type ReceivedHeaders,
  type ReceivedRequest,
  type SignatureFault,
  type UnacceptableSignature,
} from './parse-signature.ts';
export { type Algorithm, SIGNED_HEADERS, type SignedHeader, splitTarget, type Target } from './profile.ts';
export { type VerifyingKey, verifySignature } from './verify.ts';
