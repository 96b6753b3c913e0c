// Checks who signed the call: a live key, from where it may be used, in time, and rightly.
import { isLive } from '../../domain/api-key.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { KeyRing, RingKey } from '../../keys/key-ring.ts';
import type { NetworkCheck } from '../../keys/networks.ts';
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

/** The two places where signatures are checked. */
export interface Authenticator {
  /** Checks every call, once its message is there. */
  readonly interceptor: Interceptor;
  /** From where so many wrong ones come that calls are worth checking before. */
  readonly suspects: Suspects;
  /** Whether the headers are enough to refuse a call; it is reported like any other then. */
  isRefusedByHeaders(call: CallHeaders): boolean;
}

/** What is known of a call before its message is there. */
export type CallHeaders = Pick<CallContext, 'path' | 'metadata' | 'peer' | 'requestId'>;

/**
 * Lets a call through when its signature is right. Everything else gets the same answer, AUTHENTICATION_FAILED, after
 * the same work: neither the words nor the time tell whether a key exists, is live, or may be used from there.
 *
 * A stranger costs little: what is wrong with the form or the time of a signature is seen before a key is used, wrong
 * Ed25519 signatures are bounded (`VerificationBudget`), and a body is hashed only once its signature was right. A right
 * signature is never refused for wrong ones that others sent.
 */
export function authenticator(authentication: Authentication): Authenticator {
  const { ring, edgeSecret, onFailure } = authentication;
  const isEdge = edgeSecretCheck(edgeSecret);
  const check = headersCheck(authentication);
  const suspects = createSuspects();
  const fail = (call: CallHeaders, { clientAddress }: ClientRequest, { cause, keyId }: Failed) => {
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

/** Whose signature it is, and what it says of the body. */
interface Signed {
  readonly known: RingKey;
  readonly signature: ParsedSignature;
}

type Failed = Pick<AuthenticationFailure, 'cause' | 'keyId'>;

/** Checks all of a signature that needs no body. */
function headersCheck({ ring, allowsGlobally }: Authentication): (request: ClientRequest) => Signed | Failed {
  const budget = verificationBudget();
  return ({ view, clientAddress, connection }) => {
    const signature = parseSignatureHeaders(view);
    if ('fault' in signature) return { cause: signature.fault, keyId: '' };
    const { keyId, created, alg } = signature;
    const now = Date.now();
    const age = now / 1000 - created;
    if (age > MAX_AGE_S || age < -MAX_AHEAD_S) return { cause: 'time', keyId };
    const isDear = alg === 'ed25519';
    if (isDear && !budget.allows(connection, keyId)) return { cause: 'too many wrong signatures', keyId };
    const known = ring.find(keyId);
    const isRight = verifySignature(signature, known?.verifying);
    if (isDear && !isRight) budget.failed(connection);
    if (!known) return { cause: 'unknown key', keyId };
    if (!isLive(known.key, now * 1000)) return { cause: 'key is not live', keyId };
    if (!known.allows(clientAddress) || !allowsGlobally(clientAddress)) return { cause: 'network', keyId };
    if (!isRight) return { cause: 'signature', keyId };
    if (isDear) budget.succeeded(connection, keyId);
    return { known, signature };
  };
}
