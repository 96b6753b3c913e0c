// Signing in with an API key and its secret, once: a session takes over from there.
import { randomUUID } from 'node:crypto';
import type { Act, AuditTrail } from '../domain/act.ts';
import { type ApiKey, isLive } from '../domain/api-key.ts';
import { countAttempts } from '../domain/attempts.ts';
import { MICROS_PER_MS } from '../domain/time.ts';
import { type KeyRing, type NetworkCheck, neighbourhoodOf } from '../keys/index.ts';
import { type Html, html } from './html.ts';
import { isSameText } from './sessions.ts';
import type { Operator } from './view.ts';

/** What signing in depends on. */
export interface SignInOptions {
  readonly ring: Pick<KeyRing, 'find' | 'used'>;
  /** Whether keys may be used from an address at all. */
  readonly allowsGlobally: NetworkCheck;
  readonly trail: Pick<AuditTrail, 'sample'>;
  /** A monotonic clock in milliseconds; performance.now() when left out. */
  readonly now?: () => number;
}

/** Decides who is let in. */
export interface SignIn {
  /** Checks a key and its secret; each wrong one costs its address an attempt. */
  check(keyId: string, secret: string, address: string): SignInResult;
  /** The operator of a key that signed in before; undefined once the key has ended, or may not be used from here. */
  operatorOf(keyId: string, address: string): Operator | undefined;
}

/** An operator, or why there is none. Of a wrong secret nothing is told; who has the right one may know what else is wrong. */
export type SignInResult =
  | { readonly operator: Operator }
  | { readonly waitMs: number }
  | { readonly refused: string };

const WRONG = 'The key or its secret is wrong, or it has no secret because it signs with Ed25519.';
/** Compared with where there is no such key, so that both take the same time. */
const NO_SECRET = randomUUID();
const KEY_ID = /^[\w-]{1,64}$/;
const MAX_SECRET_LENGTH = 200;

/** Keeps count of wrong attempts, in this process. */
export function createSignIn(options: SignInOptions): SignIn {
  const { ring, allowsGlobally, trail, now = () => performance.now() } = options;
  const attempts = countAttempts(now);
  const found = (keyId: string) => (KEY_ID.test(keyId) ? ring.find(keyId) : undefined);

  const operatorOf: SignIn['operatorOf'] = (keyId, address) => {
    const known = found(keyId);
    if (!known || !isLive(known.key, Date.now() * MICROS_PER_MS)) return undefined;
    if (!known.allows(address) || !allowsGlobally(address)) return undefined;
    const { key } = known;
    return maySignIn(key) ? { key, isAdmin: key.scopes.includes('admin'), mayRead: mayRead(key) } : undefined;
  };

  return {
    operatorOf,
    check(keyId, secret, address) {
      const source = neighbourhoodOf(address);
      const fail = (reason: string, refused: string): SignInResult => {
        trail.sample(failure(KEY_ID.test(keyId) ? keyId : '', address, reason));
        return { refused };
      };
      // Also with the right secret: otherwise guessing would only be asked to be quiet.
      const waitMs = attempts.waitMs(source);
      if (waitMs > 0) return { waitMs };
      const verifying = found(keyId)?.verifying;
      const expected =
        verifying?.kind === 'hmac-sha256' ? Buffer.from(verifying.secret).toString() : undefined;
      const isRight = isSameText(secret.slice(0, MAX_SECRET_LENGTH), expected ?? NO_SECRET);
      if (!isRight || expected === undefined) {
        const isLast = attempts.fail(source);
        return fail(isLast ? 'too many wrong secrets' : 'wrong secret', WRONG);
      }
      const operator = operatorOf(keyId, address);
      if (operator) {
        ring.used(keyId);
        return { operator };
      }
      return fail(
        'key may not sign in',
        'This key may not sign in: it is not active, may not be used from this address, or has not the scope admin, and not the scope read alone for every user.',
      );
    },
  };
}

/** Keys of operators, and those that can only read: a program's key that moves money has no business at a page. */
function maySignIn(key: ApiKey): boolean {
  return key.scopes.includes('admin') || (mayRead(key) && key.scopes.length === 1);
}

/** A key that is bound to a user cannot read what other users have. */
function mayRead({ scopes, userId }: ApiKey): boolean {
  return scopes.includes('read') && userId === undefined;
}

function failure(keyId: string, clientAddress: string, reason: string): Act {
  return {
    actId: randomUUID(),
    keyId,
    actor: 'stranger',
    clientAddress,
    rpc: 'operator-page/sign-in',
    target: '',
    outcome: 'unauthenticated',
    reason,
    requestId: '',
    count: 1,
  };
}

/** The page to sign in; `problem` says why the last attempt failed. */
export function signInPage(problem: string | undefined): Html {
  return html`${problem === undefined ? '' : html`<div class="notice bad" role="alert"><p>${problem}</p></div>`}
<form action="/operator/sign-in" method="post">
<div class="field"><label for="key_id">Id of your API key</label>
<input id="key_id" name="key_id" required maxlength="64" autocomplete="username" autocapitalize="none" spellcheck="false"></div>
<div class="field"><label for="secret">Its secret</label>
<input id="secret" name="secret" type="password" required maxlength="200" autocomplete="current-password"></div>
<button>Sign in</button>
</form>
<p class="hint">A key with the scope <code>admin</code>, and <code>read</code> too to see transfers, wallets, users and payouts; or with the scope <code>read</code> alone. Everything that is seen and done here is on the audit trail under the key.</p>`;
}
