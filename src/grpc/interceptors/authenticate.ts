// Authenticates calls: the signature, its time, and the key, which has to be live and allowed from the client's address.
import { isLive } from '../../domain/api-key.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { KeyRing, NetworkCheck, RingKey } from '../../keys/index.ts';
import {
  isBodyOf,
  type ParsedSignature,
  parseSignatureHeaders,
  verifySignature,
} from '../../signatures/index.ts';
import type { CallContext } from '../call-context.ts';
import { addressOf, type ClientRequest, edgeSecretCheck, readClientRequest } from '../client-request.ts';
import type { Interceptor } from '../interceptor.ts';
import { createSuspects, type Suspects } from './suspects.ts';
import { verificationBudget } from './verification-budget.ts';

/** What authentication depends on. */
export interface Authentication {
  readonly ring: KeyRing;
  /** The secret that the edge sends with every call. */
  readonly edgeSecret: string;
  /** Whether keys may be used from an address at all. */
  readonly allowsGlobally: NetworkCheck;
  /** Called for every call that fails, with the cause, which its caller does not learn. */
  readonly onFailure: (failure: AuthenticationFailure) => void;
}

/** A call that failed authentication. */
export interface AuthenticationFailure {
  readonly cause: string;
  readonly clientAddress: string;
  /** The key id that the call claims; empty where it claims none. */
  readonly keyId: string;
  /** The RPC's path, and the request's id. */
  readonly path: string;
  readonly requestId: string;
}

/** How old a signature may be, and how far its time may be ahead, for clocks that run fast; in seconds. */
const MAX_AGE_S = 60;
const MAX_AHEAD_S = 5;

/** One object for all failures: callers learn nothing else, and a failed call costs no new error and no encoding. */
const FAILED = new Refusal('AUTHENTICATION_FAILED');

/** Authentication of calls, in two places. */
export interface Authenticator {
  /** Authenticates every call, after its message has been received. */
  readonly interceptor: Interceptor;
  /** Addresses whose calls are worth checking before their message has been received. */
  readonly suspects: Suspects;
  /** Whether the headers alone show that a call fails. The failure is reported like any other. */
  isRefusedByHeaders(call: CallHeaders): boolean;
}

/** What is known of a call before its message has been received. */
export type CallHeaders = Pick<CallContext, 'path' | 'metadata' | 'peer' | 'requestId'>;

/**
 * Refuses AUTHENTICATION_FAILED, for every cause, after the same work: neither the message nor the time reveals whether a key
 * exists, is live, or may be used from that address.
 *
 * Failed calls cost little: the form and the time of a signature are checked before a key is used, wrong Ed25519 signatures
 * are bounded (`VerificationBudget`), and a body is hashed only after its signature has been verified. A valid signature is
 * never refused because of invalid ones that others sent.
 */
export function createAuthenticator(authentication: Authentication): Authenticator {
  const { ring, edgeSecret, onFailure } = authentication;
  const isEdge = edgeSecretCheck(edgeSecret);
  const check = headersCheck(authentication);
  const suspects = createSuspects();
  const fail = (call: CallHeaders, { clientAddress }: ClientRequest, { cause, keyId }: Failure) => {
    suspects.add(addressOf(call.peer));
    onFailure({ cause, clientAddress, keyId, path: call.path, requestId: call.requestId });
    return FAILED;
  };
  return {
    suspects,
    isRefusedByHeaders(call) {
      const request = readClientRequest({ ...call, bytes: NO_BYTES }, isEdge);
      const checked = check(request);
      if ('known' in checked) return false;
      fail(call, request, checked);
      return true;
    },
    interceptor: function authenticate(call, next) {
      const request = readClientRequest(call, isEdge);
      const checked = check(request);
      if (!('known' in checked)) throw fail(call, request, checked);
      const { known, signature } = checked;
      const { key } = known;
      if (!isBodyOf(signature, request.bodySha256())) {
        throw fail(call, request, { cause: 'content-digest', keyId: key.id });
      }
      ring.used(key.id);
      call.signer = {
        key,
        nonce: signature.nonce,
        signedAt: signature.created,
        clientAddress: request.clientAddress,
        edgeRequestId: request.edgeRequestId,
      };
      return next();
    },
  };
}

const NO_BYTES = Buffer.alloc(0);

/** A verified signature, and its key. */
interface Verified {
  readonly known: RingKey;
  readonly signature: ParsedSignature;
}

type Failure = Pick<AuthenticationFailure, 'cause' | 'keyId'>;

/** Checks everything of a signature but the digest of the body. */
function headersCheck({
  ring,
  allowsGlobally,
}: Authentication): (request: ClientRequest) => Verified | Failure {
  const budget = verificationBudget();
  return ({ view, clientAddress, connection }) => {
    const signature = parseSignatureHeaders(view);
    if ('fault' in signature) return { cause: signature.fault, keyId: '' };
    const { keyId, created, alg } = signature;
    const now = Date.now();
    const age = now / 1000 - created;
    if (age > MAX_AGE_S || age < -MAX_AHEAD_S) return { cause: 'time', keyId };
    const isExpensive = alg === 'ed25519';
    if (isExpensive && !budget.allows(connection, keyId))
      return { cause: 'too many wrong signatures', keyId };
    const known = ring.find(keyId);
    const isRight = verifySignature(signature, known?.verifying);
    if (isExpensive && !isRight) budget.failed(connection);
    if (!known) return { cause: 'unknown key', keyId };
    if (!isLive(known.key, now * 1000)) return { cause: 'key is not live', keyId };
    if (!known.allows(clientAddress) || !allowsGlobally(clientAddress)) return { cause: 'network', keyId };
    if (!isRight) return { cause: 'signature', keyId };
    if (isExpensive) budget.succeeded(connection, keyId);
    return { known, signature };
  };
}
