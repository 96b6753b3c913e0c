// Sprinkles: read with the shares that are next, created, claimed and closed.
import type { PoolClient } from 'pg';
import { SPRINKLE_COLUMNS, type SprinkleRow, toSprinkle } from '../../db/rows.ts';
import { plainArray, timestamptz } from '../../db/sql.ts';
import type { LedgerBatch, ReadSet } from '../../domain/batch/ledger-batch.ts';
import {
  type CountedClaims,
  claimKey,
  type NewClaim,
  type NewSprinkle,
  type OpenSprinkle,
  Sprinkles,
  tokenKey,
} from '../../domain/batch/sprinkles.ts';
import type { Random } from '../../domain/random.ts';
import type { Sprinkle } from '../../domain/sprinkle.ts';
import { drawFreeTokens } from '../../domain/token.ts';
import { type Asked, allDone, distinct, type Facet, type Statement, touchingAll } from '../facet.ts';
import { type Columns, givenRows, insertDated, reading } from '../given-rows.ts';

/** The row of a wanted token. */
const TOKEN_WANTED = `LATERAL (
    SELECT * FROM sprinkle_tokens t WHERE t.room_id = wanted.room_id AND t.token = wanted.token OFFSET 0)`;

interface WantedToken {
  readonly roomId: string;
  readonly token: string;
}

/** A sprinkle that calls of the batch want to claim, each user once. */
interface WantedSprinkle extends WantedToken {
  claims: number;
}

type WantedClaim = NonNullable<ReadSet['sprinkle']>;

const TOKEN_COLUMNS: Columns<WantedToken> = {
  room_id: ['text', ({ roomId }) => roomId],
  token: ['text', ({ token }) => token],
};

const readSprinkles = reading<WantedSprinkle, OpenSprinkleRow>(
  'read-sprinkles',
  givenRows('wanted', { ...TOKEN_COLUMNS, claims: ['integer', ({ claims }) => claims] }),
  (wanted) => `
  SELECT ${SPRINKLE_COLUMNS}, s.sealed_seed, encode(s.draw_chain, 'hex') AS draw_chain,
    array_to_string(CASE WHEN s.sealed_seed IS NULL THEN s.shares[s.claimed_count + 1 : s.claimed_count + wanted.claims]
      ELSE s.shares[s.claimed_count + 1 :] END, ',') AS next_shares
  FROM ${wanted}, ${TOKEN_WANTED} AS t, LATERAL (SELECT * FROM sprinkles s WHERE s.id = t.sprinkle_id OFFSET 0) AS s`,
);

const readById = reading<string, SprinkleRow>(
  'read-sprinkles-by-id',
  givenRows('wanted', { id: ['uuid', (id) => id] }),
  (wanted) => `
  SELECT ${SPRINKLE_COLUMNS} FROM ${wanted}, LATERAL (SELECT * FROM sprinkles s WHERE s.id = wanted.id OFFSET 0) AS s`,
);

const readClaims = reading<WantedClaim, { sprinkle_id: string; user_id: string }>(
  'read-claims',
  givenRows('wanted', { ...TOKEN_COLUMNS, user_id: ['bigint', ({ claimerUserId }) => claimerUserId] }),
  (wanted) => `
  SELECT c.sprinkle_id, c.user_id FROM ${wanted}, ${TOKEN_WANTED} AS t, LATERAL (
    SELECT * FROM sprinkle_claims c WHERE c.sprinkle_id = t.sprinkle_id AND c.user_id = wanted.user_id OFFSET 0) AS c`,
);

/** Tokens of live sprinkles among the candidates. */
const readTaken = reading<WantedToken, { room_id: string; token: string }>(
  'read-taken-tokens',
  givenRows('wanted', TOKEN_COLUMNS),
  (wanted) => `
  SELECT t.room_id, t.token FROM ${wanted}, ${TOKEN_WANTED} AS t WHERE t.expires_at > clock_timestamp()`,
);

/** All tokens of live sprinkles of a room. */
const READ_ALL_TAKEN = `
  SELECT token FROM sprinkle_tokens WHERE room_id = $1 AND expires_at > clock_timestamp()`;

const INSERT_SPRINKLES = insertDated<NewSprinkle>('sprinkles', ({ sprinkles }) => sprinkles.created, {
  id: ['uuid', ({ sprinkle }) => sprinkle.id],
  room_id: ['text', ({ sprinkle }) => sprinkle.roomId],
  token: ['text', ({ sprinkle }) => sprinkle.token],
  creator_user_id: ['bigint', ({ sprinkle }) => sprinkle.creatorUserId],
  source_account_id: ['uuid', ({ sprinkle }) => sprinkle.sourceAccountId],
  pot_account_id: ['uuid', ({ sprinkle }) => sprinkle.potAccountId],
  currency: ['text', ({ sprinkle }) => sprinkle.currency],
  amount: ['bigint', ({ sprinkle }) => sprinkle.amount],
  shares: ['bigint[]', ({ shares }) => plainArray(shares)],
  expires_at: ['timestamptz', ({ sprinkle }) => sprinkle.expiresAt],
  sealed_seed: ['text', ({ sealedSeed }) => sealedSeed],
  commitment: ['bytea', ({ draw }) => draw.commitment],
  draw_chain: ['bytea', ({ draw }) => draw.commitment],
  share_mode: ['text', ({ draw }) => draw.mode],
  share_floor: ['bigint', ({ draw }) => draw.floor],
  share_ceiling: ['bigint', ({ draw }) => draw.ceiling],
  message: ['text', ({ sprinkle }) => sprinkle.message],
  hides_amounts: ['boolean', ({ sprinkle }) => sprinkle.hidesAmounts === true],
  allowed_user_ids: ['bigint[]', ({ sprinkle: { allowedUserIds: ids } }) => ids && plainArray(ids)],
});

const TOKENS = givenRows<Sprinkle>('new', {
  room_id: ['text', ({ roomId }) => roomId],
  token: ['text', ({ token }) => token],
  sprinkle_id: ['uuid', ({ id }) => id],
  expires_at: ['timestamptz', ({ expiresAt }) => expiresAt],
});

/** Takes each token, new or from an expired sprinkle. A token that is live after all is left out, and the batch runs again. */
const TAKE_TOKENS = touchingAll<Sprinkle>({
  name: 'take-tokens',
  text: `
  INSERT INTO sprinkle_tokens AS held (${TOKENS.names}) SELECT * FROM ${TOKENS.text}
  ON CONFLICT (room_id, token) DO UPDATE SET sprinkle_id = excluded.sprinkle_id, expires_at = excluded.expires_at
  WHERE held.expires_at <= ${TOKENS.next}`,
  // The same order in every batch, so that two batches never wait for each other's rows in a circle.
  rows: ({ sprinkles }) =>
    sprinkles.created.map(({ sprinkle }) => sprinkle).sort((a, b) => (tokenKey(a) < tokenKey(b) ? -1 : 1)),
  values: (held, { at }) => [...TOKENS.values(held), timestamptz(at)],
});

const INSERT_CLAIMS = insertDated<NewClaim>('sprinkle_claims', ({ sprinkles }) => sprinkles.claims, {
  sprinkle_id: ['uuid', ({ sprinkleId }) => sprinkleId],
  share_index: ['integer', ({ shareIndex }) => shareIndex],
  user_id: ['bigint', ({ userId }) => userId],
  amount: ['bigint', ({ amount }) => amount],
  transfer_id: ['uuid', ({ transferId }) => transferId],
  nonce: ['bytea', ({ nonce }) => nonce],
});

const COUNTED = givenRows<CountedClaims>('new', {
  id: ['uuid', ({ sprinkleId }) => sprinkleId],
  claims: ['integer', ({ claims }) => claims],
  shares: ['bigint[]', ({ draw }) => draw && plainArray(draw.shares)],
  chain: ['bytea', ({ draw }) => draw?.chain],
});

/**
 * The last claim empties the pot, and that closes the sprinkle. Where each claim picked one of the shares that were left, they are put
 * into the order of their claims, so that those handed out always come first. A trigger (migration 0165) holds them against what they
 * were.
 */
const COUNT_CLAIMS = touchingAll<CountedClaims>({
  name: 'count-claims',
  text: `
  UPDATE sprinkles s SET claimed_count = s.claimed_count + new.claims,
    shares = CASE WHEN new.shares IS NULL THEN s.shares ELSE s.shares[1 : s.claimed_count] || new.shares::bigint[] END,
    draw_chain = coalesce(new.chain, s.draw_chain),
    closed_at = CASE WHEN s.claimed_count + new.claims = cardinality(s.shares) THEN ${COUNTED.next}::timestamptz END
  FROM ${COUNTED.text}, LATERAL (SELECT i.ctid FROM sprinkles i WHERE i.id = new.id OFFSET 0) AS found
  WHERE s.ctid = found.ctid`,
  rows: ({ sprinkles }) => sprinkles.countedClaims(),
  values: (counted, { at }) => [...COUNTED.values(counted), timestamptz(at)],
});

const CLOSE_REFUNDED = closing('close-refunded', 'closed_at = $2', ({ sprinkles }) => sprinkles.refundedIds);
const CLOSE_CANCELLED = closing(
  'close-cancelled',
  'closed_at = $2, cancelled_at = $2',
  ({ sprinkles }) => sprinkles.cancelledIds,
);

/** Closes sprinkles whose pots were paid back. */
function closing(
  name: string,
  change: string,
  rows: (batch: LedgerBatch) => readonly string[],
): Statement<string> {
  return touchingAll({
    name,
    text: `
    UPDATE sprinkles s SET ${change}
    FROM unnest($1::uuid[]) AS new (id),
      LATERAL (SELECT i.ctid, i.closed_at FROM sprinkles i WHERE i.id = new.id OFFSET 0) AS found
    WHERE s.ctid = found.ctid AND found.closed_at IS NULL`,
    rows,
    values: (ids, { at }) => [plainArray(ids), timestamptz(at)],
  });
}

interface OpenSprinkleRow extends SprinkleRow {
  next_shares: string;
  /** Null where a release without seeds made it. */
  sealed_seed: string | null;
  draw_chain: string | null;
}

function toOpenSprinkle(row: OpenSprinkleRow): OpenSprinkle {
  const { next_shares: next, sealed_seed: sealedSeed, draw_chain: chain } = row;
  return {
    sprinkle: toSprinkle(row),
    nextShares: next === '' ? [] : next.split(','),
    draw: sealedSeed === null || chain === null ? undefined : { sealedSeed, chain },
  };
}

/** Reads the sprinkles that the calls of a batch claim, and tokens for those that they create. */
export const sprinkles: Facet<Sprinkles> = {
  load: async (client, asked, context) => {
    const claims = distinct(
      asked,
      ({ sprinkle }) => sprinkle,
      (claim) => `${tokenKey(claim)}/${claim.claimerUserId}`,
    );
    const ids = distinct(asked, ({ sprinkleId }) => sprinkleId);
    const [open, byId, claimed, freeTokens] = await allDone([
      readSprinkles(client, claimedSprinkles(claims)),
      readById(client, ids),
      readClaims(client, claims),
      findFreeTokens(client, asked, context.random),
    ] as const);
    const loaded = {
      sprinkles: open.map(toOpenSprinkle),
      byId: byId.map(toSprinkle),
      claims: new Set(claimed.map((row) => claimKey(row.sprinkle_id, BigInt(row.user_id)))),
      freeTokens,
    };
    return new Sprinkles(loaded, context);
  },

  /** A token can move to another sprinkle between the lock of its pot and the read after it. */
  isStale: (asked, { accounts, sprinkles }) =>
    asked.some(({ readSet: { sprinkle } }) => {
      const found = sprinkle && sprinkles.find(sprinkle.roomId, sprinkle.token);
      return found !== undefined && !accounts.has(found.potAccountId);
    }),

  statements: [INSERT_SPRINKLES, TAKE_TOKENS, INSERT_CLAIMS, COUNT_CLAIMS, CLOSE_REFUNDED, CLOSE_CANCELLED],
};

/** The sprinkles that these claims are of, each with their number. */
function claimedSprinkles(claims: readonly WantedClaim[]): WantedSprinkle[] {
  const wanted = new Map<string, WantedSprinkle>();
  for (const { roomId, token } of claims) {
    const key = tokenKey({ roomId, token });
    const one = wanted.get(key) ?? { roomId, token, claims: 0 };
    one.claims += 1;
    wanted.set(key, one);
  }
  return [...wanted.values()];
}

/**
 * Free tokens for every room in which the batch creates sprinkles: the candidates that are free or, in a room where these
 * are too few, tokens drawn from all that are left. A room without free tokens gets none.
 */
async function findFreeTokens(
  client: PoolClient,
  asked: readonly Asked[],
  random: Random,
): Promise<Map<string, string[]>> {
  const creating = distinct(asked, ({ tokens }) => tokens);
  const rooms = [...Map.groupBy(creating, ({ roomId }) => roomId)].map(([roomId, all]) => ({
    roomId,
    count: all.length,
    candidates: [...new Set(all.flatMap(({ candidates }) => candidates))],
  }));
  const wanted = rooms.flatMap(({ roomId, candidates }) => candidates.map((token) => ({ roomId, token })));
  const rows = await readTaken(client, wanted);
  const taken = new Set(rows.map((row) => tokenKey({ roomId: row.room_id, token: row.token })));
  const free = new Map<string, string[]>();
  for (const { roomId, count, candidates } of rooms) {
    const tokens = candidates.filter((token) => !taken.has(tokenKey({ roomId, token })));
    free.set(roomId, tokens.length >= count ? tokens : await drawFromTheRest(client, roomId, count, random));
  }
  return free;
}

/** Reads up to 238,328 rows, which happens only in rooms where most tokens belong to live sprinkles. */
async function drawFromTheRest(
  client: PoolClient,
  roomId: string,
  count: number,
  random: Random,
): Promise<string[]> {
  const { rows } = await client.query<{ token: string }>({ text: READ_ALL_TAKEN, values: [roomId] });
  return drawFreeTokens(new Set(rows.map((row) => row.token)), count, random);
}
