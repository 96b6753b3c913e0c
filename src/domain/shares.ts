// Splits an amount into shares.
import type { Random } from './random.ts';

/** How an amount is split. */
export const SHARE_MODES = ['random', 'equal'] as const;

export type ShareMode = (typeof SHARE_MODES)[number];

/** What is split, and how. */
export interface ShareTerms {
  /** In the smallest unit of the currency, at most 2^48 - 1. */
  readonly amount: bigint;
  readonly headcount: number;
  readonly mode: ShareMode;
  /** The smallest and the largest share; floor * headcount <= amount <= ceiling * headcount, and at least 1. */
  readonly floor: bigint;
  readonly ceiling: bigint;
}

/** A source of even random numbers. */
type Numbers = Pick<Random, 'below'>;

/** The shares of an amount, in no order that means anything: which claim gets which is drawn when it is made. */
export function splitAmount(
  { amount, headcount, mode, floor, ceiling }: ShareTerms,
  random: Numbers,
): bigint[] {
  if (mode === 'equal') return Array<bigint>(headcount).fill(amount / BigInt(headcount));
  // What is above the floor, split into shares of at least 1 by putting 1 of each floor back.
  const below = Number(floor) - 1;
  const shares = drawShares(Number(amount) - below * headcount, headcount, random);
  if (below > 0) for (let index = 0; index < headcount; index++) shares[index] = (shares[index] ?? 0) + below;
  if (ceiling < amount) cutTo(Number(ceiling), shares, random);
  return shares.map(BigInt);
}

/**
 * Cuts shares to the ceiling, and splits what was cut off at random among those that are below it, until none is above. Each round
 * fills at least one share for good; ten thousand shares take about ten.
 */
function cutTo(ceiling: number, shares: number[], random: Numbers): void {
  let open = [...shares.keys()];
  for (;;) {
    let excess = 0;
    for (const index of open) {
      const share = shares[index] ?? 0;
      if (share <= ceiling) continue;
      excess += share - ceiling;
      shares[index] = ceiling;
    }
    if (excess === 0) return;
    open = open.filter((index) => (shares[index] ?? 0) < ceiling);
    // Parts of 0 or more: one smallest unit for each is added before and taken away after.
    const parts = drawShares(excess + open.length, open.length, random);
    for (const [place, index] of open.entries())
      shares[index] = (shares[index] ?? 0) + (parts[place] ?? 0) - 1;
  }
}

/**
 * Splits an amount into `count` shares of at least 1.
 *
 * count - 1 distinct cut points are drawn from 1..amount-1; the shares are the gaps between them. Each set of cut
 * points is one split and equally likely, so all shares have the same distribution.
 * Requires 1 <= count <= amount < 2^48.
 */
export function drawShares(amount: number, count: number, random: Numbers): number[] {
  const cuts = Float64Array.from(drawDistinct(count - 1, amount - 1, random)).sort();
  const shares: number[] = [];
  let previous = 0;
  for (const cut of cuts) {
    shares.push(cut - previous);
    previous = cut;
  }
  shares.push(amount - previous);
  return shares;
}

/**
 * Draws a set of `count` distinct numbers from 1..limit, every set equally likely, in exactly that many draws
 * (Robert Floyd's algorithm, Communications of the ACM 30(9), 1987).
 */
function drawDistinct(count: number, limit: number, random: Numbers): Set<number> {
  const drawn = new Set<number>();
  for (let top = limit - count + 1; top <= limit; top++) {
    const candidate = 1 + random.below(top);
    drawn.add(drawn.has(candidate) ? top : candidate);
  }
  return drawn;
}
