// Sprinkles that one release makes and the other one claims.
import assert from 'node:assert/strict';
import { verifySprinkle } from '../../../clients/typescript/src/verify-sprinkle.ts';
import { as, withKey, won } from '../../api.ts';
import type { ApiClient, Json } from '../../api-client.ts';

/** Who does it: a creator with money and two claimers, all of one room. */
export interface SprinklesAcrossOptions {
  readonly client: ApiClient;
  readonly users: readonly [creator: number, first: number, second: number];
  readonly roomId: string;
}

const AMOUNT = 30;
const V1 = 'wallet.v1.SprinkleService';
const V2 = 'wallet.v2.SprinkleService';

/** How many sprinkles are made, and how many claims of them. */
export const ACROSS = { sprinkles: 2, claims: 4 };

/**
 * One sprinkle that the release makes and this version claims, and one that this version makes and both claim: every share is paid,
 * and the proof says which claim was not picked.
 */
export function createSprinklesAcross({ client, users, roomId }: SprinklesAcrossOptions) {
  const [creator, first, second] = users;
  let old = '';
  let made: Json = {};
  const shares = { old: 0, made: 0 };
  const claim = async (user: number, token: string): Promise<number> => {
    const answer = await client.call(`${V2}/ClaimSprinkle`, { room_id: roomId, token }, withKey(user));
    assert.equal(answer.status, 0, answer.reason);
    return Number(answer.at('amount', 'minor_units'));
  };
  const place = () => ({ room_id: roomId, sprinkle_id: made.sprinkle_id ?? '' });
  return {
    makeByRelease: async () => {
      const request = { amount: AMOUNT, headcount: 2 };
      const answer = await client.call(`${V1}/CreateSprinkle`, request, { ...withKey(creator), roomId });
      assert.equal(answer.status, 0, answer.reason);
      old = String(answer.body.token);
    },
    makeAndClaim: async () => {
      shares.old += await claim(first, old);
      const wallet_id = await as(creator, client).defaultWallet();
      const request = {
        room_id: roomId,
        wallet_id,
        amount: won(AMOUNT),
        headcount: 2,
        expires_in: '259200s',
      };
      const answer = await client.call(`${V2}/CreateSprinkle`, request, withKey(creator));
      assert.equal(answer.status, 0, answer.reason);
      made = answer.body.sprinkle as Json;
    },
    claimByRelease: async () => {
      shares.made += await claim(first, String(made.token));
    },
    end: async () => {
      shares.old += await claim(second, old);
      shares.made += await claim(second, String(made.token));
      assert.deepEqual(shares, { old: AMOUNT, made: AMOUNT });
      const proof = await as(first, client).call(`${V2}/GetSprinkleProof`, place());
      assert.equal(proof.status, 0, proof.reason);
      const { problems } = verifySprinkle(proof.body, { commitment: String(made.commitment) });
      assert.deepEqual(problems, ['claim 1: the share was not picked, but the next one in line']);
    },
  };
}
