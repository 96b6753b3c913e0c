// Checks who signed the call: a live key, from where it may be used, in time, and rightly.
import { isLive } from '../../domain/api-key.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { NetworkCheck } from '../../keys/networks.ts';
import { isBodyOf, parseSignatureHeaders, verifySignature } from '../../signatures/index.ts';
import { edgeSecretCheck, readClientRequest } from '../client-request.ts';
import type { Interceptor } from '../interceptor.ts';
import { verificationBudget } from './verification-budget.ts';

/** What checking works with. */
export interface Authentication {
  readonly ring: KeyRing;
  /** What the server knows the edge by. */
  readonly edgeSecret: string;
  /** Whether any key may be used from an address. */
  readonly allowsGlobally: NetworkCheck;
  /** Told of every call that is not let in, with the cause that its caller is not told. */
  readonly onFailure: (failure: AuthenticationFailure) => void;
}

/** A call that was not let in. */
export interface AuthenticationFailure {
  readonly cause: string;
  readonly clientAddress: string;
  /** As the caller named it; empty when it named none. */
  readonly keyId: string;
  /** The RPC's path, and the request's id. */
  readonly path: string;
  readonly requestId: string;
}

/** How far a signature's time may be from now: a minute old, or five seconds ahead for clocks that run fast. */
const MAX_AGE_S = 60;
const MAX_AHEAD_S = 5;

/** One for all: nobody learns more, and what a stranger's call costs is not making errors and writing their details. */
const FAILED = new Refusal('AUTHENTICATION_FAILED');

/**
 * Lets a call through when its signature is right. Everything else gets the same answer, AUTHENTICATION_FAILED, after
 * the same work: neither the words nor the time tell whether a key exists, is live, or may be used from there.
 *
 * A stranger costs little: what is wrong with the form or the time of a signature is seen before a key is used, wrong
 * Ed25519 signatures are bounded (`VerificationBudget`), and a body is hashed only once its signature was right. A right
 * signature is never refused for wrong ones that others sent.
 */
export function authenticate(authentication: Authentication): Interceptor {
  const { ring, edgeSecret, allowsGlobally, onFailure } = authentication;
  const isEdge = edgeSecretCheck(edgeSecret);
  const budget = verificationBudget();
  return (call, next) => {
    const request = readClientRequest(call, isEdge);
    const { clientAddress, connection } = request;
    const fail = (cause: string, keyId: string) => {
      onFailure({ cause, clientAddress, keyId, path: call.path, requestId: call.requestId });
      return FAILED;
    };
    const signature = parseSignatureHeaders(request.view);
    if ('fault' in signature) throw fail(signature.fault, '');
    const { keyId, created, nonce, alg } = signature;
    const now = Date.now();
    const age = now / 1000 - created;
    if (age > MAX_AGE_S || age < -MAX_AHEAD_S) throw fail('time', keyId);
    const isDear = alg === 'ed25519';
    if (isDear && !budget.allows(connection, keyId)) throw fail('too many wrong signatures', keyId);
    const known = ring.find(keyId);
    const isRight = verifySignature(signature, known?.verifying);
    if (isDear && !isRight) budget.failed(connection);
    if (!known) throw fail('unknown key', keyId);
    if (!isLive(known.key, now * 1000)) throw fail('key is not live', keyId);
    if (!known.allows(clientAddress) || !allowsGlobally(clientAddress)) throw fail('network', keyId);
    if (!isRight) throw fail('signature', keyId);
    if (isDear) budget.succeeded(connection, keyId);
    if (!isBodyOf(signature, request.bodySha256())) throw fail('content-digest', keyId);
    ring.used(keyId);
    call.signer = {
      key: known.key,
      nonce,
      signedAt: created,
      clientAddress,
      edgeRequestId: request.edgeRequestId,
    };
    return next();
  };
}
