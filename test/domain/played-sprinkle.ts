// Sprinkles that are made and claimed in memory, through the batch that the ledger uses, and their proofs.
import { randomBytes, randomUUID } from 'node:crypto';
import { BatchContext } from '../../src/domain/batch/ledger-batch.ts';
import { type NewClaim, Sprinkles } from '../../src/domain/batch/sprinkles.ts';
import { commitmentOf, DRAW_VERSION, drawnShares, linkOf } from '../../src/domain/fair-draw.ts';
import type { ShareTerms } from '../../src/domain/shares.ts';
import type { Sprinkle } from '../../src/domain/sprinkle.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { TEST_SEEDS } from '../test-ledger.ts';

/** A claim that somebody makes. */
export interface PlayedClaim {
  readonly userId: bigint;
  /** In hexadecimal digits; random bytes when left out. */
  readonly nonce?: string;
}

/** The proof as GetSprinkleProof answers it in JSON. */
export interface PlayedProof extends Record<string, unknown> {
  readonly claims: readonly {
    readonly user_id: string;
    readonly minor_units: string;
    readonly link: string;
  }[];
}

const ROOM = 'played';
const TOKEN = 'abc';
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

/** Makes a sprinkle, claims shares of it in this order, and returns its proof. `Batch` may be one that cheats. */
export function playSprinkle(
  terms: ShareTerms,
  claims: readonly PlayedClaim[],
  Batch: typeof Sprinkles = Sprinkles,
): PlayedProof {
  const id = randomUUID();
  const { seed, sealed } = TEST_SEEDS.draw(id);
  const commitment = commitmentOf({ ...terms, sprinkleId: id, currency: 'KRW' }, seed, TEST_SEEDS);
  const shares = drawnShares(terms, seed);
  const sprinkle = sprinkleOf(id, terms);
  const batch = new Batch(
    {
      sprinkles: [
        { sprinkle, nextShares: shares.map(String), draw: { sealedSeed: sealed, chain: commitment } },
      ],
      claims: new Set(),
      freeTokens: new Map(),
    },
    new BatchContext(cryptoRandom, undefined, { seeds: TEST_SEEDS }),
  );
  for (const { userId, nonce = randomBytes(16).toString('hex') } of claims) {
    const found = batch.find(ROOM, TOKEN) ?? sprinkle;
    batch.claim(found, userId, batch.pick(found, userId, nonce), randomUUID());
  }
  const money = (amount: bigint) => ({ currency_code: 'KRW', minor_units: String(amount) });
  return {
    version: DRAW_VERSION,
    sprinkle_id: id,
    amount: money(terms.amount),
    headcount: terms.headcount,
    mode: terms.mode === 'equal' ? 'SPRINKLE_MODE_EQUAL' : 'SPRINKLE_MODE_RANDOM',
    share_floor: money(terms.floor),
    share_ceiling: money(terms.ceiling),
    commitment: base64(commitment),
    seed: base64(seed.hex),
    claims: batch.claims.map(toProofClaim),
  };
}

function toProofClaim({ shareIndex: index, userId, nonce = '', amount }: NewClaim) {
  const link = base64(linkOf({ index, userId, nonce }, TEST_SEEDS));
  return { user_id: String(userId), nonce: base64(nonce), minor_units: String(amount), link };
}

function sprinkleOf(id: string, { amount, headcount }: ShareTerms): Sprinkle {
  return {
    ...{ id, roomId: ROOM, token: TOKEN, creatorUserId: 1n, sourceAccountId: 's', potAccountId: 'p' },
    ...{ currency: 'KRW', amount, headcount, claimedCount: 0, createdAt: 0, expiresAt: 1 },
  };
}
