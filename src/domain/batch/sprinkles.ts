// The sprinkles of a batch: created, claimed and refunded.
import { InvariantError } from '../error-fields.ts';
import { chainAfter, linkOf, pickOf, type Seed } from '../fair-draw.ts';
import { Refusal } from '../refusal.ts';
import type { Sprinkle, SprinkleDraw } from '../sprinkle.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** The sprinkle that a room's token means, with its pot and whether this user has claimed a share of it. */
    readonly sprinkle?: { readonly roomId: string; readonly token: string; readonly claimerUserId: bigint };
    /** A sprinkle by its id; the command also reads its pot, whose lock guards it. */
    readonly sprinkleId?: string;
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
  /**
   * The shares from sprinkle.claimedCount on, as decimal digits: all that are left or, where they are handed out in this order, one
   * for each claim of the batch. They are numbers only once they are claimed.
   */
  readonly nextShares: readonly string[];
  /** How the draw stands; undefined where shares are handed out in their order. */
  readonly draw?: { readonly sealedSeed: string; readonly chain: string } | undefined;
}

/** What a batch has read about sprinkles. */
export interface LoadedSprinkles {
  readonly sprinkles: Iterable<OpenSprinkle>;
  /** Those that were read by their ids; left out where there are none. */
  readonly byId?: Iterable<Sprinkle>;
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
  /** In hexadecimal digits; undefined where shares are handed out in their order. */
  readonly nonce: string | undefined;
}

/** A sprinkle that the batch created, with all of its shares and the seed that they follow from. */
export interface NewSprinkle {
  readonly sprinkle: Sprinkle;
  readonly draw: SprinkleDraw;
  readonly shares: readonly bigint[];
  readonly sealedSeed: string;
}

/** The share that the next claim of a sprinkle gets. */
export interface PickedShare {
  readonly amount: bigint;
  /** The claim's nonce, and the chain after it; undefined where shares are handed out in their order. */
  readonly drawn: { readonly nonce: string; readonly chain: string; readonly position: number } | undefined;
}

/** A sprinkle of which the batch claimed shares. */
export interface CountedClaims {
  readonly sprinkleId: string;
  readonly claims: number;
  /** How its draw stands now; undefined where shares are handed out in their order. */
  readonly draw:
    | {
        /** The shares from the batch's first claim on: those that were claimed in their order, then those that are left. */
        readonly shares: readonly string[];
        readonly chain: string;
      }
    | undefined;
}

/** Names a token, as calls name the sprinkle that it means. */
export function tokenKey({ roomId, token }: { readonly roomId: string; readonly token: string }): string {
  return `${roomId}/${token}`;
}

/** Names a claim. */
export function claimKey(sprinkleId: string, userId: bigint): string {
  return `${sprinkleId}/${userId}`;
}

interface Slot {
  sprinkle: Sprinkle;
  readonly firstIndex: number;
  readonly shares: string[];
  readonly sealedSeed: string | undefined;
  /** Opened with the first claim. */
  seed: Seed | undefined;
  chain: string;
}

/** The sprinkles of one batch. */
export class Sprinkles {
  readonly #batch: BatchContext;
  readonly #slots = new Map<string, Slot>();
  readonly #byId = new Map<string, Slot>();
  readonly #claimed: Set<string>;
  readonly #freeTokens: ReadonlyMap<string, readonly string[]>;
  readonly #tokensUsed = new Map<string, number>();
  readonly created: NewSprinkle[] = [];
  readonly claims: NewClaim[] = [];
  /** Sprinkles whose pots the batch paid back, because their time was over. */
  readonly refundedIds: string[] = [];
  /** The same, because their creators ended them. */
  readonly cancelledIds: string[] = [];

  constructor(loaded: LoadedSprinkles, batch: BatchContext) {
    this.#batch = batch;
    for (const open of loaded.sprinkles) {
      const slot = slotOf(open);
      this.#slots.set(tokenKey(open.sprinkle), slot);
      this.#byId.set(open.sprinkle.id, slot);
    }
    for (const sprinkle of loaded.byId ?? []) {
      // One that calls of the batch claim, too, has its slot, which shows both what the others do.
      if (!this.#byId.has(sprinkle.id)) this.#byId.set(sprinkle.id, slotOf({ sprinkle, nextShares: [] }));
    }
    this.#claimed = loaded.claims;
    this.#freeTokens = loaded.freeTokens;
  }

  hasClaimed(sprinkleId: string, userId: bigint): boolean {
    return this.#claimed.has(claimKey(sprinkleId, userId));
  }

  /** The sprinkle that a room's token means, or meant last; undefined if it never meant one. */
  find(roomId: string, token: string): Sprinkle | undefined {
    return this.#slots.get(tokenKey({ roomId, token }))?.sprinkle;
  }

  /** A sprinkle that was read by its id. */
  get(id: string): Sprinkle {
    const slot = this.#byId.get(id);
    if (!slot) throw new InvariantError(`the batch has not loaded sprinkle ${id}`);
    return slot.sprinkle;
  }

  /** A free token for a new sprinkle of the room. Refuses ROOM_OUT_OF_TOKENS if every token belongs to a live sprinkle. */
  takeToken(roomId: string): string {
    const used = this.#tokensUsed.get(roomId) ?? 0;
    const token = this.#freeTokens.get(roomId)?.[used];
    if (token === undefined) throw new Refusal('ROOM_OUT_OF_TOKENS');
    this.#batch.undo.set(this.#tokensUsed, roomId, used + 1);
    return token;
  }

  /** Adds a new sprinkle. */
  add(created: NewSprinkle): void {
    this.#batch.undo.append(this.created, created);
  }

  /**
   * The share that the next claim of a sprinkle gets, which is made by this user with this nonce. Throws an Error where the seed
   * cannot be opened.
   */
  pick(sprinkle: Sprinkle, userId: bigint, nonce: string): PickedShare {
    const slot = this.#slot(sprinkle);
    const place = slot.sprinkle.claimedCount - slot.firstIndex;
    const drawn =
      slot.sealedSeed === undefined ? undefined : this.#draw(slot, slot.sealedSeed, userId, nonce);
    const share = slot.shares[drawn?.position ?? place];
    if (share === undefined)
      throw new InvariantError(`the batch has no share left of sprinkle ${sprinkle.id}`);
    return { amount: BigInt(share), drawn };
  }

  #draw(slot: Slot, sealedSeed: string, userId: bigint, nonce: string) {
    const { seeds } = this.#batch;
    const { id, claimedCount, headcount } = slot.sprinkle;
    slot.seed ??= seeds.open(id, sealedSeed);
    const link = linkOf({ index: claimedCount, userId, nonce }, seeds);
    const chain = chainAfter(slot.chain, link, seeds);
    const picked = pickOf(slot.seed, chain, headcount - claimedCount);
    return { nonce, chain, position: claimedCount - slot.firstIndex + picked };
  }

  /** Records that a user got the share that was picked for this claim, by a transfer. */
  claim(sprinkle: Sprinkle, userId: bigint, { amount, drawn }: PickedShare, transferId: string): void {
    const slot = this.#slot(sprinkle);
    const { sprinkle: before, chain } = slot;
    const key = claimKey(before.id, userId);
    const place = before.claimedCount - slot.firstIndex;
    this.claims.push({
      sprinkleId: before.id,
      shareIndex: before.claimedCount,
      userId,
      amount,
      transferId,
      nonce: drawn?.nonce,
    });
    slot.sprinkle = { ...before, claimedCount: before.claimedCount + 1 };
    this.#claimed.add(key);
    if (drawn) {
      swap(slot.shares, place, drawn.position);
      slot.chain = drawn.chain;
    }
    this.#batch.undo.push(() => {
      this.claims.pop();
      slot.sprinkle = before;
      this.#claimed.delete(key);
      if (drawn) swap(slot.shares, place, drawn.position);
      slot.chain = chain;
    });
  }

  /** How many shares the batch claimed of each sprinkle. */
  countedClaims(): CountedClaims[] {
    return [...this.#slots.values()].flatMap(({ sprinkle, firstIndex, shares, sealedSeed, chain }) => {
      const claims = sprinkle.claimedCount - firstIndex;
      const draw = sealedSeed === undefined ? undefined : { shares, chain };
      return claims === 0 ? [] : { sprinkleId: sprinkle.id, claims, draw };
    });
  }

  /** Records that the creator of a sprinkle ended it, and that what was left was paid back. Returns it as it is now. */
  cancel(id: string): Sprinkle {
    const before = this.get(id);
    const slot = this.#byId.get(id) as Slot;
    slot.sprinkle = { ...before, cancelledAt: this.#batch.at };
    this.#batch.undo.push(() => {
      slot.sprinkle = before;
    });
    this.#batch.undo.append(this.cancelledIds, id);
    return slot.sprinkle;
  }

  /** Records that what was left of a sprinkle was paid back because its time is over. */
  refund(sprinkleId: string): void {
    this.#batch.undo.append(this.refundedIds, sprinkleId);
  }

  #slot(sprinkle: Sprinkle): Slot {
    const slot = this.#slots.get(tokenKey(sprinkle));
    if (!slot) throw new InvariantError(`the batch has not loaded sprinkle ${sprinkle.id}`);
    return slot;
  }
}

function slotOf({ sprinkle, nextShares, draw }: OpenSprinkle): Slot {
  return {
    sprinkle,
    firstIndex: sprinkle.claimedCount,
    shares: [...nextShares],
    sealedSeed: draw?.sealedSeed,
    seed: undefined,
    chain: draw?.chain ?? '',
  };
}

function swap(shares: string[], one: number, other: number): void {
  [shares[one], shares[other]] = [shares[other] as string, shares[one] as string];
}
