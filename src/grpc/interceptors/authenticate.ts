// Authenticates calls: the signature, its time, and the key, which has to be live and allowed from the client's address.
import { isLive } from '../../domain/api-key.ts';
import { Refusal } from '../../domain/refusal.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import type { TraceContext } from '../../domain/trace-context.ts';
import type { KeyRing, NetworkCheck, RingKey } from '../../keys/index.ts';
import {
  isBodyOf,
  type ParsedSignature,
  parseSignatureHeaders,
  SIGNATURE_FAULTS,
  verifySignature,
} from '../../signatures/index.ts';
import { callersTrace, type Signer } from '../call-context.ts';
import {
  addressOf,
  type CallHeaders,
  type ClientRequest,
  edgeSecretCheck,
  readClientRequest,
} from '../client-request.ts';
import type { Interceptor } from '../interceptor.ts';
import { createSuspects, createVerificationBudget, type Suspects } from './wrong-signatures.ts';

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

/** Why calls fail authentication: what is wrong with the form of the signature, or the rest. Metrics count by it. */
export const AUTHENTICATION_CAUSES = [
  ...SIGNATURE_FAULTS,
  'time',
  'too many wrong signatures',
  'unknown key',
  'key is not live',
  'network',
  'signature',
] as const;
export type AuthenticationCause = (typeof AUTHENTICATION_CAUSES)[number];

/** A call that failed authentication. */
export interface AuthenticationFailure {
  readonly cause: AuthenticationCause;
  readonly clientAddress: string;
  /** The key id that the call claims; empty where that has not the form of one, because it may be a secret in the wrong place. */
  readonly keyId: string;
  /** The RPC's path, and the request's id. */
  readonly path: string;
  readonly requestId: string;
  /** Of the call where it was sampled, or else the one that the caller names. */
  readonly trace: TraceContext | undefined;
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
  /** Whether this is the edge's secret. */
  isEdge(claimed: string | undefined): boolean;
  /** Whether the key of a call that was authenticated could sign it now. */
  isStillLive(signer: Signer): boolean;
  /** Whether the headers alone show that a call fails. The failure is reported like any other. */
  isRefusedByHeaders(call: CallHeaders): boolean;
}

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
  const fail = (
    { peer, path, requestId }: CallHeaders,
    { clientAddress }: ClientRequest,
    { cause, keyId }: Failure,
    trace: TraceContext | undefined,
  ) => {
    suspects.add(addressOf(peer));
    const claimed = KEY_ID.test(keyId) ? keyId : '';
    onFailure({ cause, clientAddress, keyId: claimed, path, requestId, trace });
    return FAILED;
  };
  return {
    suspects,
    isEdge,
    isStillLive({ key, clientAddress }) {
      const known = ring.find(key.id);
      if (!known || !isLive(known.key, Date.now() * MICROS_PER_MS)) return false;
      return known.allows(clientAddress) && authentication.allowsGlobally(clientAddress);
    },
    isRefusedByHeaders(call) {
      const request = readClientRequest({ ...call, bytes: NO_BYTES }, isEdge);
      const checked = check(request);
      if ('known' in checked) return false;
      fail(call, request, checked, callersTrace(call.metadata));
      return true;
    },
    interceptor: function authenticate(call, next) {
      const request = readClientRequest(call, isEdge);
      const checked = check(request);
      if (!('known' in checked)) throw fail(call, request, checked, call.trace);
      const { known, signature } = checked;
      const { key } = known;
      if (!isBodyOf(signature, request.bodySha256())) {
        throw fail(call, request, { cause: 'content-digest', keyId: key.id }, call.trace);
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
const KEY_ID = /^ppk_live_\w{1,40}$/;

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
  const budget = createVerificationBudget();
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
