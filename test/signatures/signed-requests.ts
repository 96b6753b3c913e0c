// Signed requests as the server receives them.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  type SigningKey,
  signRequest,
  type UnsignedRequest,
} from '../../clients/typescript/src/signature.ts';
import {
  parseSignature,
  type SignedRequest,
  sha256Of,
  type VerifyingKey,
  verifySignature,
} from '../../src/signatures/index.ts';

export const HMAC_KEY: SigningKey = {
  keyId: 'ppk_test_hmac',
  kind: 'hmac-sha256',
  secret: Buffer.from('a secret of more than thirty-two bytes'),
};

export const ED25519_KEY: SigningKey = {
  keyId: 'ppk_test_ed25519',
  kind: 'ed25519',
  privateKey: generateKeyPairSync('ed25519').privateKey,
};

/** The verifying key of a signing key. */
export function counterpartOf(key: SigningKey): VerifyingKey {
  return key.kind === 'ed25519'
    ? { kind: 'ed25519', publicKey: createPublicKey(key.privateKey) }
    : { kind: 'hmac-sha256', secret: key.secret };
}

export const NONCE = 'AAECAwQFBgcICQoLDA0ODw';

/** A transfer with every component that can be signed. */
export const TRANSFER: UnsignedRequest = {
  method: 'POST',
  path: '/api/v1/wallet/transfer',
  query: '?dry=1',
  headers: { 'x-user-id': '1001', 'x-room-id': 'demo', 'idempotency-key': 'rent-2026-10' },
  body: Buffer.from('{"to_user_id": 1002, "amount": 500}'),
  key: HMAC_KEY,
  created: 1_790_000_000,
  nonce: NONCE,
};

/** The request as received, with further headers. */
export function receive(request: UnsignedRequest, headers: object): SignedRequest {
  const { method, path, query, body } = request;
  const carried = Object.entries({ ...request.headers, ...headers }).map(([name, value]) => [name, [value]]);
  return { method, path, query, headers: Object.fromEntries(carried), bodySha256: sha256Of(body) };
}

/** The request, signed and received. */
export function signAndReceive(request: UnsignedRequest): SignedRequest {
  return receive(request, signRequest(request));
}

/** Whether the server accepts it with this key. */
export function isAccepted(request: SignedRequest, key: VerifyingKey | undefined): boolean {
  const parsed = parseSignature(request);
  return !('fault' in parsed) && verifySignature(parsed, key);
}
