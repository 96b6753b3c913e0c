// Splits an amount into random shares, every split equally likely.
import type { Random } from './random.ts';

/**
 * Splits an amount into `count` shares of at least 1, in the order in which they are handed out.
 *
 * count - 1 distinct cut points are drawn from 1..amount-1; the shares are the gaps between them. Each set of cut
 * points is one split and equally likely, so all shares have the same distribution and early claimers have no advantage.
 * Requires 1 <= count <= amount < 2^48.
 */
export function drawShares(amount: bigint, count: number, random: Random): bigint[] {
  const cuts = [...drawDistinct(count - 1, Number(amount) - 1, random)].sort((a, b) => a - b);
  const shares: bigint[] = [];
  let previous = 0;
  for (const cut of cuts) {
    shares.push(BigInt(cut - previous));
    previous = cut;
  }
  shares.push(amount - BigInt(previous));
  return shares;
}

/**
 * Draws a set of `count` distinct numbers from 1..limit, every set equally likely, in exactly that many draws
 * (Robert Floyd's algorithm, Communications of the ACM 30(9), 1987).
 */
function drawDistinct(count: number, limit: number, random: Random): Set<number> {
  const drawn = new Set<number>();
  for (let top = limit - count + 1; top <= limit; top++) {
    const candidate = 1 + random.below(top);
    drawn.add(drawn.has(candidate) ? top : candidate);
  }
  return drawn;
}
