// What the calls of one batch need to know, gathered into the few lists that the batch's statements take.
import type { Needs } from '../../domain/verb.ts';

/** The needs of a whole batch, each thing once. */
export interface Wants {
  readonly accountIds: Set<string>;
  readonly defaultWalletsOf: Set<bigint>;
  readonly externals: Set<string>;
  /** Sprinkles by `roomId/token`, with who wants to claim them; the number of claims counts doubles too. */
  readonly sprinkles: Map<string, WantedSprinkle>;
  readonly payoutIds: Set<string>;
  /** Users whose wallets and drafts are counted. */
  readonly countsOf: Set<bigint>;
  /** Users by room. */
  readonly members: Map<string, Set<bigint>>;
  /** Tokens to try, by room; each creation of a sprinkle brings its own. */
  readonly tokens: Map<string, WantedTokens>;
}

/** A sprinkle that calls of the batch want to claim. */
export interface WantedSprinkle {
  readonly roomId: string;
  readonly token: string;
  readonly claimers: Set<bigint>;
}

/** The tokens that calls of the batch want of a room. */
export interface WantedTokens {
  readonly candidates: Set<string>;
  /** How many sprinkles of the room the batch wants to make. */
  count: number;
}

/** Gathers the needs of a batch's calls. */
export function gather(needs: Iterable<Needs>): Wants {
  const wants: Wants = {
    accountIds: new Set(),
    defaultWalletsOf: new Set(),
    externals: new Set(),
    sprinkles: new Map(),
    payoutIds: new Set(),
    countsOf: new Set(),
    members: new Map(),
    tokens: new Map(),
  };
  for (const need of needs) add(wants, need);
  return wants;
}

function add(wants: Wants, need: Needs): void {
  for (const ref of need.wallets ?? []) {
    if ('walletId' in ref) wants.accountIds.add(ref.walletId);
    else wants.defaultWalletsOf.add(ref.defaultOf);
  }
  for (const id of need.accountIds ?? []) wants.accountIds.add(id);
  if (need.external) wants.externals.add(need.external);
  if (need.sprinkle) {
    const { roomId, token, claimerUserId } = need.sprinkle;
    const sprinkle = entry(wants.sprinkles, `${roomId}/${token}`, () => ({
      roomId,
      token,
      claimers: new Set(),
    }));
    sprinkle.claimers.add(claimerUserId);
  }
  if (need.countsOf !== undefined) wants.countsOf.add(need.countsOf);
  if (need.payoutId) wants.payoutIds.add(need.payoutId);
  if (need.membership) {
    const { roomId, userId } = need.membership;
    entry(wants.members, roomId, () => new Set()).add(userId);
  }
  if (need.tokens) {
    const { roomId, candidates } = need.tokens;
    const tokens = entry(wants.tokens, roomId, () => ({ candidates: new Set(), count: 0 }));
    tokens.count += 1;
    for (const candidate of candidates) tokens.candidates.add(candidate);
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
