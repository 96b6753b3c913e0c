// Merges the read sets of a batch's commands into the lists that its statements take.
import type { ReadSet } from '../../domain/command.ts';

/** What a whole batch reads, without duplicates. */
export interface BatchReadSet {
  readonly accountIds: Set<string>;
  readonly defaultWalletsOf: Set<bigint>;
  readonly externals: Set<string>;
  /** Sprinkles by `roomId/token`, with who wants to claim them; the number of claims counts doubles too. */
  readonly sprinkles: Map<string, SprinkleReads>;
  readonly payoutIds: Set<string>;
  /** Users whose wallets and drafts are counted. */
  readonly countsOf: Set<bigint>;
  /** Users by room. */
  readonly members: Map<string, Set<bigint>>;
  /** Tokens to try, by room; each creation of a sprinkle brings its own. */
  readonly tokens: Map<string, TokenReads>;
}

/** A sprinkle that calls of the batch want to claim. */
export interface SprinkleReads {
  readonly roomId: string;
  readonly token: string;
  readonly claimers: Set<bigint>;
}

/** The tokens that calls of the batch want of a room. */
export interface TokenReads {
  readonly candidates: Set<string>;
  /** How many sprinkles of the room the batch wants to make. */
  count: number;
}

/** Merges read sets. */
export function mergeReadSets(readSets: Iterable<ReadSet>): BatchReadSet {
  const merged: BatchReadSet = {
    accountIds: new Set(),
    defaultWalletsOf: new Set(),
    externals: new Set(),
    sprinkles: new Map(),
    payoutIds: new Set(),
    countsOf: new Set(),
    members: new Map(),
    tokens: new Map(),
  };
  for (const readSet of readSets) add(merged, readSet);
  return merged;
}

function add(merged: BatchReadSet, readSet: ReadSet): void {
  for (const ref of readSet.wallets ?? []) {
    if ('walletId' in ref) merged.accountIds.add(ref.walletId);
    else merged.defaultWalletsOf.add(ref.defaultOf);
  }
  for (const id of readSet.accountIds ?? []) merged.accountIds.add(id);
  if (readSet.external) merged.externals.add(readSet.external);
  if (readSet.sprinkle) {
    const { roomId, token, claimerUserId } = readSet.sprinkle;
    const sprinkle = entry(merged.sprinkles, `${roomId}/${token}`, () => ({
      roomId,
      token,
      claimers: new Set(),
    }));
    sprinkle.claimers.add(claimerUserId);
  }
  if (readSet.countsOf !== undefined) merged.countsOf.add(readSet.countsOf);
  if (readSet.payoutId) merged.payoutIds.add(readSet.payoutId);
  if (readSet.membership) {
    const { roomId, userId } = readSet.membership;
    entry(merged.members, roomId, () => new Set()).add(userId);
  }
  if (readSet.tokens) {
    const { roomId, candidates } = readSet.tokens;
    const tokens = entry(merged.tokens, roomId, () => ({ candidates: new Set(), count: 0 }));
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
