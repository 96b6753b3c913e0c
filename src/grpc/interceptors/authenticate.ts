// Checks who signed the call: a live key, from where it may be used, in time, and rightly.
import { isLive } from '../../domain/api-key.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import type { NetworkCheck } from '../../keys/networks.ts';
import { parseSignature, verifySignature } from '../../signatures/index.ts';
import type { Interceptor } from '../interceptor.ts';
import { edgeCheck, readReceived } from '../received.ts';

/** What checking works with. */
export interface Authentication {
  readonly ring: KeyRing;
  /** What the server knows the edge by. */
  readonly edgeSecret: string;
  /** Whether any key may be used from an address. */
  readonly allowsGlobally: NetworkCheck;
  /** Counts a wrong signature against an address and a key. */
  readonly noteWrongSignature: (clientAddress: string, keyId: string) => void;
  /** Told of every call that is not let in, with the cause that its caller is not told. */
  readonly onFailure: (failure: AuthenticationFailure) => void;
}

/** A call that was not let in. */
export interface AuthenticationFailure {
  readonly cause: string;
  readonly clientAddress: string;
  /** As the caller named it; empty when it named none. */
  readonly keyId: string;
}

/** How far a signature's time may be from now: a minute old, or five seconds ahead for clocks that run fast. */
const MAX_AGE_S = 60;
const MAX_AHEAD_S = 5;

/**
 * Lets a call through when its signature is right. Everything else gets the same answer, AUTHENTICATION_FAILED, after
 * the same work: neither the words nor the time tell whether a key exists, is live, or may be used from there.
 */
export function authenticate(authentication: Authentication): Interceptor {
  const { ring, edgeSecret, allowsGlobally, noteWrongSignature, onFailure } = authentication;
  const isEdge = edgeCheck(edgeSecret);
  return (call, next) => {
    const received = readReceived(call, isEdge);
    const { clientAddress } = received;
    const fail = (cause: string, keyId: string) => {
      onFailure({ cause, clientAddress, keyId });
      return new Refusal('AUTHENTICATION_FAILED');
    };
    const signature = parseSignature(received.request);
    if ('fault' in signature) throw fail(signature.fault, '');
    const { keyId, created, nonce } = signature;
    const known = ring.find(keyId);
    const now = Date.now();
    const age = now / 1000 - created;
    const isRight = verifySignature(signature, known?.verifying);
    if (!known) throw fail('unknown key', keyId);
    if (!isLive(known.key, now * 1000)) throw fail('key is not live', keyId);
    if (!known.allows(clientAddress) || !allowsGlobally(clientAddress)) throw fail('network', keyId);
    if (age > MAX_AGE_S || age < -MAX_AHEAD_S) throw fail('time', keyId);
    if (!isRight) {
      noteWrongSignature(clientAddress, keyId);
      throw fail('signature', keyId);
    }
    ring.used(keyId);
    call.signer = { key: known.key, nonce, clientAddress, edgeRequestId: received.edgeRequestId };
    return next();
  };
}
