// The draw of a sprinkle's shares, which everybody can check once its seed is revealed. docs/sprinkles.md has the same rules in
// words; the verifiers in clients/ state them once more, and share no code with this file.
import { InvariantError } from './error-fields.ts';
import type { Random } from './random.ts';
import { type ShareTerms, splitAmount } from './shares.ts';

/** Names these rules. Whatever changes in them needs another name: proofs of years ago are checked by the rules of then. */
export const DRAW_VERSION = 'ppuri-sprinkle-1';

/** The secret that a sprinkle's shares follow from: 32 random bytes. */
export interface Seed {
  /** In lower case. */
  readonly hex: string;
  /** HMAC-SHA-512 (RFC 2104, FIPS 180-4) under the seed, of the text's UTF-8. */
  hmac(text: string): Uint8Array;
}

/** Draws seeds and keeps them secret; what it seals only a process with the key-encryption keys opens. */
export interface SprinkleSeeds {
  /** A new seed, and as the database has it. */
  draw(sprinkleId: string): { readonly seed: Seed; readonly sealed: string };
  /** Throws an Error where the key-encryption key is gone or the sealed text was altered. */
  open(sprinkleId: string, sealed: string): Seed;
  /** SHA-256 of the text's UTF-8, in lower-case hexadecimal digits. */
  sha256(text: string): string;
}

/** For processes that neither make sprinkles nor claim them. */
export const NO_SEEDS: SprinkleSeeds = {
  draw: withoutSeeds,
  open: withoutSeeds,
  sha256: withoutSeeds,
};

function withoutSeeds(): never {
  throw new InvariantError('this process has no seeds of sprinkles');
}

/** What is fixed and published before the first claim. */
export interface DrawTerms extends ShareTerms {
  readonly sprinkleId: string;
  readonly currency: string;
}

/** The commitment to a seed: it says nothing of the seed, and fits no other seed or terms. 32 bytes in hexadecimal digits. */
export function commitmentOf(
  terms: DrawTerms,
  seed: Seed,
  { sha256 }: Pick<SprinkleSeeds, 'sha256'>,
): string {
  const { sprinkleId, currency, amount, headcount, mode, floor, ceiling } = terms;
  return sha256(lines(DRAW_VERSION, sprinkleId, currency, amount, headcount, mode, floor, ceiling, seed.hex));
}

/** All shares of a sprinkle, in the order in which they follow from its seed. */
export function drawnShares(terms: ShareTerms, seed: Seed): bigint[] {
  return splitAmount(terms, new SeedStream(seed, 'shares'));
}

/** A claim, as it takes part in the draw. */
export interface DrawnClaim {
  /** Claims before this one. */
  readonly index: number;
  readonly userId: bigint;
  /** What the claimer sent: up to 16 bytes in hexadecimal digits. */
  readonly nonce: string;
}

/**
 * What a claim adds to the chain. Where amounts are hidden it stands in the proof for who claimed, and the nonce keeps that
 * secret.
 */
export function linkOf(claim: DrawnClaim, { sha256 }: Pick<SprinkleSeeds, 'sha256'>): string {
  return sha256(lines('link', claim.index, claim.userId, claim.nonce));
}

/** The chain after a link. It begins with the commitment, and stands for all users and nonces so far. */
export function chainAfter(chain: string, link: string, { sha256 }: Pick<SprinkleSeeds, 'sha256'>): string {
  return sha256(lines('chain', chain, link));
}

/**
 * Which of the shares that are left the claim gets that made the chain this: 0 to left - 1. It changes places with the first of
 * those that are left.
 */
export function pickOf(seed: Seed, chain: string, left: number): number {
  return new SeedStream(seed, `claim ${chain}`).below(left);
}

function lines(...values: readonly (string | number | bigint)[]): string {
  return `${values.join('\n')}\n`;
}

/** 2^48: as many as there are numbers of six bytes. */
const NUMBERS = 2 ** 48;
const NUMBERS_PER_BLOCK = 10;

/** Even random numbers that follow from a seed and a label: ten from each HMAC of the label and a counter. */
class SeedStream implements Pick<Random, 'below'> {
  readonly #seed: Seed;
  readonly #label: string;
  #block: Uint8Array = new Uint8Array();
  #blocks = 0;
  #used = NUMBERS_PER_BLOCK;

  constructor(seed: Seed, label: string) {
    this.#seed = seed;
    this.#label = label;
  }

  /** A number from the incomplete last run of `limit` numbers below 2^48 would favour the small ones: the next one is taken. */
  below(limit: number): number {
    const bound = NUMBERS - (NUMBERS % limit);
    for (;;) {
      const number = this.#next();
      if (number < bound) return number % limit;
    }
  }

  #next(): number {
    if (this.#used === NUMBERS_PER_BLOCK) {
      this.#block = this.#seed.hmac(lines(this.#label, this.#blocks));
      this.#blocks += 1;
      this.#used = 0;
    }
    const start = 6 * this.#used;
    this.#used += 1;
    let number = 0;
    for (let index = start; index < start + 6; index++) number = number * 256 + (this.#block[index] ?? 0);
    return number;
  }
}
