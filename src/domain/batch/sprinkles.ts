// The sprinkles of a batch: created, claimed and refunded.
import { InvariantError } from '../error-fields.ts';
import { Refusal } from '../refusal.ts';
import type { Sprinkle } from '../sprinkle.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** The sprinkle that a room's token stands for, with its pot and whether this user has claimed a share of it. */
    readonly sprinkle?: { readonly roomId: string; readonly token: string; readonly claimerUserId: bigint };
    /** Tokens to try for a new sprinkle of a room. */
    readonly tokens?: { readonly roomId: string; readonly candidates: readonly string[] };
  }
  interface LedgerBatch {
    readonly sprinkles: Sprinkles;
  }
}

/** A sprinkle with the shares that a batch may hand out. */
export interface OpenSprinkle {
  readonly sprinkle: Sprinkle;
  /** The shares from sprinkle.claimedCount on: one for each claim of the batch, or all that are left. */
  readonly nextShares: readonly bigint[];
}

/** What a batch has read about sprinkles. */
export interface LoadedSprinkles {
  readonly sprinkles: Iterable<OpenSprinkle>;
  /** Who has claimed what, each as claimKey() writes it. */
  readonly claims: Set<string>;
  /** Free tokens by room, in the order of use. */
  readonly freeTokens: ReadonlyMap<string, readonly string[]>;
}

/** A share that the batch handed out. */
export interface NewClaim {
  readonly sprinkleId: string;
  readonly shareIndex: number;
  readonly userId: bigint;
  readonly amount: bigint;
  readonly transferId: string;
}

/** A sprinkle that the batch created, with all of its shares. */
export interface NewSprinkle {
  readonly sprinkle: Sprinkle;
  readonly shares: readonly bigint[];
}

/** Names a claim. */
export function claimKey(sprinkleId: string, userId: bigint): string {
  return `${sprinkleId}/${userId}`;
}

interface Slot {
  sprinkle: Sprinkle;
  readonly firstIndex: number;
  readonly shares: readonly bigint[];
}

/** The sprinkles of one batch. */
export class Sprinkles {
  readonly #batch: BatchContext;
  readonly #slots = new Map<string, Slot>();
  readonly #claimed: Set<string>;
  readonly #freeTokens: ReadonlyMap<string, readonly string[]>;
  readonly #tokensUsed = new Map<string, number>();
  readonly created: NewSprinkle[] = [];
  readonly claims: NewClaim[] = [];
  /** Sprinkles whose pots the batch paid back. */
  readonly refundedIds: string[] = [];

  constructor(loaded: LoadedSprinkles, batch: BatchContext) {
    this.#batch = batch;
    for (const { sprinkle, nextShares } of loaded.sprinkles) {
      const slot = { sprinkle, firstIndex: sprinkle.claimedCount, shares: nextShares };
      this.#slots.set(`${sprinkle.roomId}/${sprinkle.token}`, slot);
    }
    this.#claimed = loaded.claims;
    this.#freeTokens = loaded.freeTokens;
  }

  hasClaimed(sprinkleId: string, userId: bigint): boolean {
    return this.#claimed.has(claimKey(sprinkleId, userId));
  }

  /** The sprinkle that a room's token stands for, or stood for last; undefined if it never stood for one. */
  find(roomId: string, token: string): Sprinkle | undefined {
    return this.#slots.get(`${roomId}/${token}`)?.sprinkle;
  }

  /** A free token for a new sprinkle of the room. Refuses ROOM_OUT_OF_TOKENS if every token belongs to a live sprinkle. */
  takeToken(roomId: string): string {
    const used = this.#tokensUsed.get(roomId) ?? 0;
    const token = this.#freeTokens.get(roomId)?.[used];
    if (token === undefined) throw new Refusal('ROOM_OUT_OF_TOKENS');
    this.#tokensUsed.set(roomId, used + 1);
    this.#batch.undo.push(() => this.#tokensUsed.set(roomId, used));
    return token;
  }

  /** Adds a new sprinkle. */
  add(created: NewSprinkle): void {
    this.created.push(created);
    this.#batch.undo.push(() => this.created.pop());
  }

  /** The share that the next claim of a sprinkle gets. */
  nextShare(sprinkle: Sprinkle): bigint {
    const slot = this.#slot(sprinkle);
    const share = slot.shares[slot.sprinkle.claimedCount - slot.firstIndex];
    if (share === undefined)
      throw new InvariantError(`the batch has no share left of sprinkle ${sprinkle.id}`);
    return share;
  }

  /** Records that a user got the next share by a transfer. */
  claim(sprinkle: Sprinkle, userId: bigint, transferId: string): void {
    const slot = this.#slot(sprinkle);
    const before = slot.sprinkle;
    const key = claimKey(before.id, userId);
    this.claims.push({
      sprinkleId: before.id,
      shareIndex: before.claimedCount,
      userId,
      amount: this.nextShare(before),
      transferId,
    });
    slot.sprinkle = { ...before, claimedCount: before.claimedCount + 1 };
    this.#claimed.add(key);
    this.#batch.undo.push(() => {
      this.claims.pop();
      slot.sprinkle = before;
      this.#claimed.delete(key);
    });
  }

  /** Records that what was left of a sprinkle was paid back. */
  refund(sprinkleId: string): void {
    this.refundedIds.push(sprinkleId);
    this.#batch.undo.push(() => this.refundedIds.pop());
  }

  #slot(sprinkle: Sprinkle): Slot {
    const slot = this.#slots.get(`${sprinkle.roomId}/${sprinkle.token}`);
    if (!slot) throw new InvariantError(`the batch has not loaded sprinkle ${sprinkle.id}`);
    return slot;
  }
}
