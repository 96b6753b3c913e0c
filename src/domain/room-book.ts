// The part of the book that knows rooms: their sprinkles, members and tokens, and what a batch changes there.
import { InvariantError } from './error-fields.ts';
import type { Journal } from './journal.ts';
import { Refusal } from './refusal.ts';
import type { Sprinkle } from './sprinkle.ts';

/** A sprinkle with those of its shares that a batch may hand out. */
export interface OpenSprinkle {
  readonly sprinkle: Sprinkle;
  /** The shares from sprinkle.claimedCount on: one for each claim of the batch, or all that are left. */
  readonly nextShares: readonly bigint[];
}

/** What a batch has read about rooms. */
export interface LoadedRooms {
  readonly sprinkles: Iterable<OpenSprinkle>;
  /** Members, each as memberKey() writes it. */
  readonly members: ReadonlySet<string>;
  /** Who has claimed what, each as claimKey() writes it. */
  readonly claims: ReadonlySet<string>;
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

/** A sprinkle that the batch made, with all of its shares. */
export interface NewSprinkle {
  readonly sprinkle: Sprinkle;
  readonly shares: readonly bigint[];
}

/** Names a membership. */
export function memberKey(roomId: string, userId: bigint): string {
  return `${roomId}/${userId}`;
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

/** The rooms of one batch. */
export class RoomBook {
  readonly #journal: Journal;
  readonly #slots = new Map<string, Slot>();
  readonly #members: ReadonlySet<string>;
  readonly #claims: Set<string>;
  readonly #freeTokens: ReadonlyMap<string, readonly string[]>;
  readonly #tokensUsed = new Map<string, number>();
  readonly newSprinkles: NewSprinkle[] = [];
  readonly newClaims: NewClaim[] = [];
  /** Sprinkles whose pots the batch paid back. */
  readonly refundedIds: string[] = [];

  constructor(loaded: LoadedRooms, journal: Journal) {
    this.#journal = journal;
    for (const { sprinkle, nextShares } of loaded.sprinkles) {
      const slot = { sprinkle, firstIndex: sprinkle.claimedCount, shares: nextShares };
      this.#slots.set(`${sprinkle.roomId}/${sprinkle.token}`, slot);
    }
    this.#members = loaded.members;
    this.#claims = new Set(loaded.claims);
    this.#freeTokens = loaded.freeTokens;
  }

  isMember(roomId: string, userId: bigint): boolean {
    return this.#members.has(memberKey(roomId, userId));
  }

  hasClaimed(sprinkleId: string, userId: bigint): boolean {
    return this.#claims.has(claimKey(sprinkleId, userId));
  }

  /** The sprinkle that a room's token means, or meant last; undefined when it never meant one. */
  sprinkle(roomId: string, token: string): Sprinkle | undefined {
    return this.#slots.get(`${roomId}/${token}`)?.sprinkle;
  }

  /** A free token for a new sprinkle of the room; refuses when every one belongs to a live sprinkle. */
  takeToken(roomId: string): string {
    const used = this.#tokensUsed.get(roomId) ?? 0;
    const token = this.#freeTokens.get(roomId)?.[used];
    if (token === undefined) throw new Refusal('ROOM_OUT_OF_TOKENS');
    this.#tokensUsed.set(roomId, used + 1);
    this.#journal.note(() => this.#tokensUsed.set(roomId, used));
    return token;
  }

  /** Adds a sprinkle that was just made. */
  add(made: NewSprinkle): void {
    this.newSprinkles.push(made);
    this.#journal.note(() => this.newSprinkles.pop());
  }

  /** The share that the next claim of a sprinkle gets. */
  nextShare(sprinkle: Sprinkle): bigint {
    const slot = this.#slot(sprinkle);
    const share = slot.shares[slot.sprinkle.claimedCount - slot.firstIndex];
    if (share === undefined)
      throw new InvariantError(`the batch has no share left of sprinkle ${sprinkle.id}`);
    return share;
  }

  /** Notes that a user got the next share by a transfer. */
  claim(sprinkle: Sprinkle, userId: bigint, transferId: string): void {
    const slot = this.#slot(sprinkle);
    const before = slot.sprinkle;
    const key = claimKey(before.id, userId);
    this.newClaims.push({
      sprinkleId: before.id,
      shareIndex: before.claimedCount,
      userId,
      amount: this.nextShare(before),
      transferId,
    });
    slot.sprinkle = { ...before, claimedCount: before.claimedCount + 1 };
    this.#claims.add(key);
    this.#journal.note(() => {
      this.newClaims.pop();
      slot.sprinkle = before;
      this.#claims.delete(key);
    });
  }

  /** Notes that what was left of a sprinkle was paid back. */
  refund(sprinkleId: string): void {
    this.refundedIds.push(sprinkleId);
    this.#journal.note(() => this.refundedIds.pop());
  }

  #slot(sprinkle: Sprinkle): Slot {
    const slot = this.#slots.get(`${sprinkle.roomId}/${sprinkle.token}`);
    if (!slot) throw new InvariantError(`the batch has not loaded sprinkle ${sprinkle.id}`);
    return slot;
  }
}
