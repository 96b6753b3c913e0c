// Admits a call: its nonce is new, its key, user and address are within their rate limits, and it guesses no tokens.

import type {
  AdmissionControl,
  AdmissionResult,
  CapCheck,
  LimitCharge,
  Limited,
  LimitState,
} from '../../admission/index.ts';
import { GUESSING_CAP } from '../../domain/caps.ts';
import { Refusal } from '../../domain/refusal.ts';
import { neighbourhoodOf } from '../../keys/networks.ts';
import { type CallContext, type Signer, signerOf } from '../call-context.ts';
import { ROOM_ID, readHeader } from '../caller.ts';
import type { Interceptor } from '../interceptor.ts';

/** How much each may ask for, in cost units a second; the burst is twice that. */
export interface Rates {
  readonly key: number;
  readonly user: number;
  readonly address: number;
}

/** For how long a nonce is remembered: longer than any signature that carries it is taken, in milliseconds. */
export const NONCE_TTL_MS = 120_000;
const TOKEN = /^[A-Za-z0-9]{3}$/;

/**
 * Refuses NONCE_REUSED, RATE_LIMITED and TOO_MANY_FAILURES. How the limits stand goes out with every answer over REST, in
 * the header fields of draft-ietf-httpapi-ratelimit-headers; over gRPC once less than half of one is left, because two
 * more headers cost a tenth of a call.
 */
export function admit(control: AdmissionControl, rates: Rates): Interceptor {
  // Tokens that are being tried right now, by who tries them where. Trying one token many times at once is one guess.
  const inFlight = new Set<string>();
  return async function admit(call, next) {
    const token = tokenOf(call);
    if (!token || inFlight.has(token.name)) return pass(control, rates, call, token, next);
    inFlight.add(token.name);
    return pass(control, rates, call, { ...token, isGuess: true }, next).finally(() =>
      inFlight.delete(token.name),
    );
  };
}

async function pass<Answer>(
  control: AdmissionControl,
  rates: Rates,
  call: CallContext,
  token: Token | undefined,
  next: () => Promise<Answer>,
): Promise<Answer> {
  const signer = signerOf(call);
  const caps = token ? [tokenCap(token)] : [];
  const result = await control.admit({
    nonce: {
      key: `${signer.key.id}:${signer.nonce}`,
      edgeRequestId: signer.edgeRequestId,
      ttlMs: NONCE_TTL_MS,
    },
    limits: limitsOf(call, signer, rates),
    caps,
  });
  if (signer.edgeRequestId !== '' || result.limits.some(isScarce)) setRateLimitHeaders(call, result.limits);
  if (result.outcome === 'replayed') throw new Refusal('NONCE_REUSED');
  if (result.limited) throw toRefusal(result.limited, caps);
  return result.guesses.length === 0 ? next() : guess(control, result, next);
}

/** A guess that was none is taken back; nobody waits for that. */
async function guess<Answer>(
  control: AdmissionControl,
  result: AdmissionResult,
  next: () => Promise<Answer>,
): Promise<Answer> {
  let wasWrong = false;
  try {
    return await next();
  } catch (error) {
    wasWrong = error instanceof Refusal && error.reason === 'SPRINKLE_NOT_FOUND';
    throw error;
  } finally {
    if (!wasWrong) void control.refundGuess(result);
  }
}

/**
 * What is charged. It is charged before the call is looked into, so that nothing that is refused later was for nothing; of
 * the user only where the key may act for the user that is named, so that nobody uses up another one's limit.
 */
function limitsOf(call: CallContext, { key, clientAddress }: Signer, rates: Rates): LimitCharge[] {
  const cost = call.contract.rules.costOf(call.bytes);
  const charge = (name: string, who: string, rate: number): LimitCharge => ({
    name,
    key: who,
    ratePerSecond: rate,
    burst: 2 * rate,
    cost,
  });
  const limits = [
    charge('key', key.id, key.ratePerSecond ?? rates.key),
    charge('ip', neighbourhoodOf(clientAddress), rates.address),
  ];
  const userId = actingUserOf(call);
  if (userId !== undefined) limits.push(charge('user', userId, rates.user));
  return limits;
}

/** The user that the call names, where its key may act for it: as text, because that is all that is needed of it here. */
function actingUserOf(call: CallContext): string | undefined {
  if (!call.contract.rules.actingUser) return undefined;
  const { key } = signerOf(call);
  const userId = readHeader(call.metadata, 'x-user-id');
  return userId !== undefined && (key.userId === undefined || String(key.userId) === userId)
    ? userId
    : undefined;
}

/** A token that a call may be guessing. */
interface Token {
  /** Who tries it, and where. */
  readonly owner: string;
  /** Its name among all that are tried. */
  readonly name: string;
  /** Whether this call is counted for it. */
  readonly isGuess: boolean;
}

/** None where the call is not well formed: it is refused later, and its words may not become names of things. */
function tokenOf(call: CallContext): Token | undefined {
  const { guessesToken, room, idempotencyKey } = call.contract.rules;
  if (!guessesToken || (idempotencyKey && readHeader(call.metadata, 'idempotency-key') === undefined))
    return undefined;
  const userId = actingUserOf(call);
  if (userId === undefined) return undefined;
  const { roomId = '', token = '' } = requestOf(call);
  const where = room ? readHeader(call.metadata, 'x-room-id') : roomId;
  if (where === undefined || !ROOM_ID.test(where) || !TOKEN.test(token)) return undefined;
  const owner = `${userId}/${where}`;
  return { owner, name: `${owner}/${token}`, isGuess: false };
}

function requestOf(call: CallContext): { readonly roomId?: string; readonly token?: string } {
  try {
    return call.request() as { readonly roomId?: string; readonly token?: string };
  } catch {
    // It cannot be read; whoever reads it next says so to the caller.
    return {};
  }
}

function tokenCap({ owner, isGuess }: Token): CapCheck {
  return { name: 'token', key: owner, windows: GUESSING_CAP, isGuess };
}

function toRefusal({ name, retryAfterMs }: Limited, caps: readonly CapCheck[]): Refusal {
  const isCap = caps.some((cap) => cap.name === name);
  return new Refusal(isCap ? 'TOO_MANY_FAILURES' : 'RATE_LIMITED', { retryAfterMs, quota: name });
}

function isScarce({ remaining, limit }: LimitState): boolean {
  return remaining < limit / 2;
}

function setRateLimitHeaders(call: CallContext, limits: readonly LimitState[]): void {
  if (limits.length === 0) return;
  const seconds = (ms: number) => Math.ceil(ms / 1000);
  const states = limits.map(
    ({ name, remaining, resetMs }) => `"${name}";r=${remaining};t=${seconds(resetMs)}`,
  );
  // The burst is twice the rate, so what is used up is whole again after two seconds at most.
  const policies = limits.map(({ name, limit }) => `"${name}";q=${limit};w=2`);
  call.responseHeaders.set('ratelimit', states.join(', '));
  call.responseHeaders.set('ratelimit-policy', policies.join(', '));
}
