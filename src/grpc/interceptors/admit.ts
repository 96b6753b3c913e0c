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
import { neighbourhoodOf } from '../../keys/index.ts';
import { type CallContext, type Signer, signerOf } from '../call-context.ts';
import { ROOM_ID, readHeader } from '../caller.ts';
import type { Interceptor } from '../interceptor.ts';

/** The rate limits, in cost units a second; the burst is twice that. */
export interface Rates {
  readonly key: number;
  readonly user: number;
  readonly address: number;
}

/** How long a nonce is remembered, in milliseconds: longer than a signature is accepted. */
export const NONCE_TTL_MS = 120_000;
const TOKEN = /^[A-Za-z0-9]{3}$/;

/**
 * Refuses NONCE_REUSED, RATE_LIMITED and TOO_MANY_FAILURES. Over REST every answer has the header fields of
 * draft-ietf-httpapi-ratelimit-headers; over gRPC only once less than half of a limit is left, because two more headers
 * cost a tenth of a call.
 */
export function admit(control: AdmissionControl, rates: Rates): Interceptor {
  // Tokens in flight, by user and room. Many calls with one token at once count as one guess.
  const inFlight = new Set<string>();
  return function admit(call, next) {
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

/** Refunds the guess if the token was right, without waiting for it. */
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
 * The charges of a call, made before it is decoded, so that refused calls pay too. The user is charged only where the key
 * may act for it, so that no caller can use up another user's limit.
 */
function limitsOf(call: CallContext, { key, clientAddress }: Signer, rates: Rates): LimitCharge[] {
  const cost = call.contract.rules.costOf(call.bytes);
  const limits = [
    charge('key', key.id, key.ratePerSecond ?? rates.key, cost),
    charge('ip', neighbourhoodOf(clientAddress), rates.address, cost),
  ];
  const userId = actingUserOf(call);
  if (userId !== undefined) limits.push(charge('user', userId, rates.user, cost));
  return limits;
}

function charge(name: string, key: string, ratePerSecond: number, cost: number): LimitCharge {
  return { name, key, ratePerSecond, burst: 2 * ratePerSecond, cost };
}

/** The acting user, as text, if the key may act for it. */
function actingUserOf(call: CallContext): string | undefined {
  if (!call.contract.rules.actingUser) return undefined;
  const { key } = signerOf(call);
  const userId = readHeader(call.metadata, 'x-user-id');
  return userId !== undefined && (key.userId === undefined || String(key.userId) === userId)
    ? userId
    : undefined;
}

/** A sprinkle's token that a call may be guessing. */
interface Token {
  /** The user and the room: `user/room`. */
  readonly owner: string;
  /** `user/room/token`. */
  readonly name: string;
  /** Whether this call counts as a guess. */
  readonly isGuess: boolean;
}

/** Undefined where the call is malformed: it is refused later, and nothing in Redis may be named after its contents. */
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
    // A malformed request is refused later, by validateRequest.
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
  // The burst is twice the rate, so a limit is full again after two seconds at most.
  const policies = limits.map(({ name, limit }) => `"${name}";q=${limit};w=2`);
  call.responseHeaders.set('ratelimit', states.join(', '));
  call.responseHeaders.set('ratelimit-policy', policies.join(', '));
}
