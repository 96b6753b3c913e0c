// The draw of sprinkles: what the ledger hands out is what the verifier finds, no place in the order is better, and who cheats is
// caught.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { verifySprinkle } from '../../clients/typescript/src/verify-sprinkle.ts';
import { type PickedShare, Sprinkles } from '../../src/domain/batch/sprinkles.ts';
import type { ShareTerms } from '../../src/domain/shares.ts';
import type { Sprinkle } from '../../src/domain/sprinkle.ts';
import { type PlayedClaim, type PlayedProof, playSprinkle } from './played-sprinkle.ts';

const FRIEND = 1004n;

const termsOf = (amount: bigint, headcount: number, more: Partial<ShareTerms> = {}): ShareTerms => ({
  ...{ amount, headcount, mode: 'random', floor: 1n, ceiling: amount },
  ...more,
});

const claimsOf = (count: number): PlayedClaim[] =>
  Array.from({ length: count }, (_, index) => ({ userId: 1001n + BigInt(index) }));

/** Terms of all kinds. */
function anyTerms(): ShareTerms {
  const headcount = randomInt(1, 40);
  const count = BigInt(headcount);
  const floor = BigInt(randomInt(1, 20));
  const amount = count * floor + BigInt(randomInt(0, 2) === 0 ? randomInt(0, 100) : randomInt(0, 2 ** 40));
  const equal = amount / count;
  if (randomInt(0, 4) === 0)
    return termsOf(equal * count, headcount, { mode: 'equal', floor: equal, ceiling: equal });
  const ceiling = equal + 1n + BigInt(randomInt(0, 30));
  const isCut = randomInt(0, 2) === 0 && ceiling < amount;
  return termsOf(amount, headcount, isCut ? { floor, ceiling } : { floor });
}

test('the verifier finds what the ledger handed out, whatever the terms and however many claimed', () => {
  for (let round = 0; round < 300; round++) {
    const terms = anyTerms();
    const proof = playSprinkle(terms, claimsOf(randomInt(0, terms.headcount + 1)));
    const verdict = verifySprinkle(proof, { commitment: String(proof.commitment) });
    assert.deepEqual(verdict.problems, [], JSON.stringify(proof));
    assert.equal(
      verdict.shares.reduce((sum, share) => sum + share, 0n),
      terms.amount,
    );
  }
});

/** A ledger that gives a friend the largest share that is left. */
class FriendlySprinkles extends Sprinkles {
  override pick(sprinkle: Sprinkle, userId: bigint, nonce: string): PickedShare {
    const honest = super.pick(sprinkle, userId, nonce);
    if (userId !== FRIEND || !honest.drawn) return honest;
    const left = this.countedClaims().at(0)?.draw?.shares.slice(sprinkle.claimedCount) ?? [];
    const largest = left.reduce((most, share) => (BigInt(share) > most ? BigInt(share) : most), 0n);
    const position = sprinkle.claimedCount + left.indexOf(String(largest));
    return { amount: largest, drawn: { ...honest.drawn, position } };
  }
}

test('negative control: a server that prefers a friend is caught', () => {
  let caught = 0;
  let lucky = 0;
  for (let round = 0; round < 40; round++) {
    const proof = playSprinkle(termsOf(100_000n, 8), claimsOf(8), FriendlySprinkles);
    const { isProven, problems, shares } = verifySprinkle(proof);
    const given = BigInt(proof.claims.find(({ user_id }) => user_id === String(FRIEND))?.minor_units ?? 0);
    // Where the honest draw would have given the friend the same, there is nothing to catch.
    if (shares[3] === given) lucky += 1;
    else if (!isProven && problems[0]?.startsWith('claim 4: the share is')) caught += 1;
  }
  assert.equal(caught + lucky, 40);
  assert.ok(caught >= 20, `${caught} of 40`);
});

/** A proof in which something was changed after the fact. */
const changed = (proof: PlayedProof, change: Record<string, unknown>) => ({ ...proof, ...change });

test('another seed, other terms, another nonce, a changed share and a claim out of line are caught', () => {
  const proof = playSprinkle(termsOf(5000n, 4), claimsOf(4));
  const [first, second, ...rest] = proof.claims;
  const known = { commitment: String(proof.commitment), claim: { userId: '1001', nonce: 'AAAA' } };
  const problemsOf = (other: unknown, before = {}) => verifySprinkle(other, before).problems.join('; ');
  assert.match(
    problemsOf(changed(proof, { seed: proof.commitment })),
    /the commitment is not that of this seed/,
  );
  const more = { currency_code: 'KRW', minor_units: '5001' };
  assert.match(
    problemsOf(changed(proof, { amount: more, share_ceiling: more })),
    /the commitment is not that of this seed and these terms/,
  );
  assert.match(problemsOf(playSprinkle(termsOf(5000n, 4), []), known), /not the one that was published/);
  assert.match(problemsOf(proof, known), /user 1001 has another nonce/);
  assert.match(problemsOf(changed(proof, { claims: [second, first, ...rest] })), /claim 1: the link/);
  assert.match(
    problemsOf(changed(proof, { claims: [first, first, ...rest] })),
    /claim 2: user 1001 has claimed before/,
  );
  assert.match(
    problemsOf(
      changed(proof, { claims: [{ ...first, minor_units: String(Number(first?.minor_units) + 1) }] }),
    ),
    /claim 1: the share is \d+, and by the seed/,
  );
  assert.match(problemsOf(changed(proof, { claims: [{ ...first, in_line: true }] })), /was not picked/);
});

test('hostile JSON gets a verdict that names the field, and no exception', () => {
  const proof = playSprinkle(termsOf(5000n, 4), claimsOf(2));
  const money = (minor_units: unknown) => ({ currency_code: 'KRW', minor_units });
  const hostile: Readonly<Record<string, unknown>> = {
    'the proof': [null, 7, 'x', [], undefined],
    version: ['', 'ppuri-sprinkle-2', {}],
    amount: [
      undefined,
      money(-1),
      money('1e3'),
      money(2 ** 60),
      money({}),
      { ...money('1'), currency_code: 'won' },
    ],
    headcount: [0, -1, 1.5, 10_001, '9'.repeat(400), null],
    mode: ['SPRINKLE_MODE_UNSPECIFIED', '__proto__', 1],
    share_floor: [money(0), 'x'],
    seed: ['', 'AAAA', '*'.repeat(44), 'A'.repeat(10_000_000), { length: 32 }],
    claims: [{}, 'x', Array(5).fill(proof.claims[0]), { length: 2 ** 31 }],
    'claims[0]': [
      [null],
      [{}],
      [{ ...proof.claims[0], user_id: '-1' }],
      [{ ...proof.claims[0], nonce: 'A'.repeat(64) }],
    ],
  };
  for (const [field, values] of Object.entries(hostile)) {
    for (const value of values as unknown[]) {
      const name = field.replace(/\[.*/, '');
      const { isProven, problems } = verifySprinkle(
        field === 'the proof' ? value : changed(proof, { [name]: value }),
      );
      assert.equal(isProven, false);
      assert.ok(problems[0]?.startsWith(field), `${field}: ${problems[0]}`);
    }
  }
});

/** With 9 degrees of freedom, even chances exceed this once in a million times. */
const LIMIT_9 = 45;

/** Pearson's statistic over how often each of ten places in the order got the largest share. */
function luckiestPlaces(play: () => PlayedProof, rounds: number): number {
  const counts = Array<number>(10).fill(0);
  for (let round = 0; round < rounds; round++) {
    const shares = play().claims.map(({ minor_units }) => Number(minor_units));
    const place = shares.indexOf(Math.max(...shares));
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts.reduce((sum, count) => sum + (count - rounds / 10) ** 2 / (rounds / 10), 0);
}

test('no place in the order is luckier than another, by chi-squared', () => {
  const rounds = 1500;
  const cut = termsOf(10n ** 9n, 10, { floor: 10n ** 7n, ceiling: 3n * 10n ** 8n });
  assert.ok(luckiestPlaces(() => playSprinkle(termsOf(10n ** 12n, 10), claimsOf(10)), rounds) < LIMIT_9);
  // A ceiling that a few shares reach: the largest of them is then the first of equals, so none may reach it.
  assert.ok(
    luckiestPlaces(() => playSprinkle({ ...cut, ceiling: 10n ** 9n }, claimsOf(10)), rounds) < LIMIT_9,
  );
});

test('negative control: the fourth place of a server with a friend is luckier, and the test sees it', () => {
  const play = () => playSprinkle(termsOf(10n ** 12n, 10), claimsOf(10), FriendlySprinkles);
  assert.ok(luckiestPlaces(play, 500) > LIMIT_9);
});

test('claims without their users are counted, because a server may have chosen what those added', () => {
  const proof = playSprinkle(termsOf(1_000n, 5), claimsOf(3));
  const claims = proof.claims.map((claim, index) =>
    index === 0 ? claim : { ...claim, user_id: '0', nonce: '' },
  );
  const { isProven, hiddenCount } = verifySprinkle({ ...proof, claims });
  assert.deepEqual([isProven, hiddenCount], [true, 2]);
  assert.equal(verifySprinkle(proof).hiddenCount, 0);
});
