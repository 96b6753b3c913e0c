// Sprinkles: read with the shares that are next, created, claimed and closed.
import type { PoolClient } from 'pg';
import { SPRINKLE_COLUMNS, type SprinkleRow, toSprinkle } from '../../db/rows.ts';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import type { BatchContext, LedgerBatch, ReadSet } from '../../domain/batch/ledger-batch.ts';
import {
  type AdvancedDraw,
  claimKey,
  type NewClaim,
  type NewSprinkle,
  type OpenSprinkle,
  Sprinkles,
} from '../../domain/batch/sprinkles.ts';
import type { Random } from '../../domain/random.ts';
import type { Sprinkle } from '../../domain/sprinkle.ts';
import { drawFreeTokens } from '../../domain/token.ts';
import { allDone, type Facet, type Statement, touchingAll } from '../facet.ts';

/** The row of a wanted token. */
const TOKEN_WANTED = `LATERAL (
    SELECT * FROM sprinkle_tokens t WHERE t.room_id = wanted.room_id AND t.token = wanted.token OFFSET 0)`;

const READ_SPRINKLES = `
  SELECT ${SPRINKLE_COLUMNS}, s.sealed_seed, encode(s.draw_chain, 'hex') AS draw_chain,
    array_to_string(CASE WHEN s.sealed_seed IS NULL THEN s.shares[s.claimed_count + 1 : s.claimed_count + wanted.claims]
      ELSE s.shares[s.claimed_count + 1 :] END, ',') AS next_shares
  FROM unnest($1::text[], $2::text[], $3::integer[]) AS wanted (room_id, token, claims), ${TOKEN_WANTED} AS t,
    LATERAL (SELECT * FROM sprinkles s WHERE s.id = t.sprinkle_id OFFSET 0) AS s`;

const READ_BY_ID = `
  SELECT ${SPRINKLE_COLUMNS} FROM unnest($1::uuid[]) AS wanted (id),
    LATERAL (SELECT * FROM sprinkles s WHERE s.id = wanted.id OFFSET 0) AS s`;

const READ_CLAIMS = `
  SELECT c.sprinkle_id, c.user_id
  FROM unnest($1::text[], $2::text[], $3::bigint[]) AS wanted (room_id, token, user_id), ${TOKEN_WANTED} AS t, LATERAL (
    SELECT * FROM sprinkle_claims c WHERE c.sprinkle_id = t.sprinkle_id AND c.user_id = wanted.user_id OFFSET 0) AS c`;

/** Tokens of live sprinkles among the candidates. */
const READ_TAKEN = `
  SELECT t.room_id, t.token FROM unnest($1::text[], $2::text[]) AS wanted (room_id, token), ${TOKEN_WANTED} AS t
  WHERE t.expires_at > clock_timestamp()`;

/** All tokens of live sprinkles of a room. */
const READ_ALL_TAKEN = `
  SELECT token FROM sprinkle_tokens WHERE room_id = $1 AND expires_at > clock_timestamp()`;

const INSERT_SPRINKLES: Statement<NewSprinkle> = {
  name: 'insert-sprinkles',
  text: `
  INSERT INTO sprinkles (id, room_id, token, creator_user_id, source_account_id, pot_account_id, currency, amount,
    shares, created_at, expires_at, sealed_seed, commitment, draw_chain, share_mode, share_floor, share_ceiling,
    message, hides_amounts, allowed_user_ids)
  SELECT new.id, new.room_id, new.token, new.creator, new.source, new.pot, new.currency, new.amount,
    new.shares::bigint[], $10, new.expires_at, new.sealed_seed, decode(new.commitment, 'hex'), decode(new.commitment, 'hex'),
    new.share_mode, new.share_floor, new.share_ceiling, new.message, new.hides_amounts, new.allowed_user_ids::bigint[]
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[], $8::bigint[],
    $9::text[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::bigint[],
    $17::text[], $18::boolean[], $19::text[])
    AS new (id, room_id, token, creator, source, pot, currency, amount, shares, expires_at, sealed_seed, commitment,
      share_mode, share_floor, share_ceiling, message, hides_amounts, allowed_user_ids)`,
  rows: ({ sprinkles }) => sprinkles.created,
  values: (created, { at }) => [
    plainArray(created.map(({ sprinkle }) => sprinkle.id)),
    textArray(created.map(({ sprinkle }) => sprinkle.roomId)),
    textArray(created.map(({ sprinkle }) => sprinkle.token)),
    plainArray(created.map(({ sprinkle }) => sprinkle.creatorUserId)),
    plainArray(created.map(({ sprinkle }) => sprinkle.sourceAccountId)),
    plainArray(created.map(({ sprinkle }) => sprinkle.potAccountId)),
    plainArray(created.map(({ sprinkle }) => sprinkle.currency)),
    plainArray(created.map(({ sprinkle }) => sprinkle.amount)),
    textArray(created.map(({ shares }) => plainArray(shares))),
    timestamptz(at),
    plainArray(created.map(({ sprinkle }) => timestamptz(sprinkle.expiresAt))),
    textArray(created.map(({ sealedSeed }) => sealedSeed)),
    textArray(created.map(({ draw }) => draw.commitment)),
    textArray(created.map(({ draw }) => draw.mode)),
    plainArray(created.map(({ draw }) => draw.floor)),
    plainArray(created.map(({ draw }) => draw.ceiling)),
    textArray(created.map(({ sprinkle }) => sprinkle.message)),
    plainArray(created.map(({ sprinkle }) => String(sprinkle.hidesAmounts === true))),
    textArray(
      created.map(({ sprinkle: { allowedUserIds } }) => allowedUserIds && plainArray(allowedUserIds)),
    ),
  ],
};

/** Takes each token, new or from an expired sprinkle. A token that is live after all is left out, and the batch runs again. */
const TAKE_TOKENS = touchingAll<NewSprinkle>({
  name: 'take-tokens',
  text: `
  INSERT INTO sprinkle_tokens AS held (room_id, token, sprinkle_id, expires_at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[])
  ON CONFLICT (room_id, token) DO UPDATE SET sprinkle_id = excluded.sprinkle_id, expires_at = excluded.expires_at
  WHERE held.expires_at <= $5`,
  rows: ({ sprinkles }) => sprinkles.created,
  values: (created, { at }) => {
    // The same order in every batch, so that two batches never wait for each other's rows in a circle.
    const held = created
      .map(({ sprinkle }) => sprinkle)
      .sort((a, b) => (`${a.roomId}/${a.token}` < `${b.roomId}/${b.token}` ? -1 : 1));
    return [
      textArray(held.map(({ roomId }) => roomId)),
      textArray(held.map(({ token }) => token)),
      plainArray(held.map(({ id }) => id)),
      plainArray(held.map(({ expiresAt }) => timestamptz(expiresAt))),
      timestamptz(at),
    ];
  },
});

const INSERT_CLAIMS: Statement<NewClaim> = {
  name: 'insert-claims',
  text: `
  INSERT INTO sprinkle_claims (sprinkle_id, share_index, user_id, amount, transfer_id, created_at, nonce)
  SELECT sprinkle_id, share_index, user_id, amount, transfer_id, $6, decode(nonce, 'hex')
  FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::uuid[], $7::text[])
    AS new (sprinkle_id, share_index, user_id, amount, transfer_id, nonce)`,
  rows: ({ sprinkles }) => sprinkles.claims,
  values: (claims, { at }) => [
    plainArray(claims.map(({ sprinkleId }) => sprinkleId)),
    plainArray(claims.map(({ shareIndex }) => shareIndex)),
    plainArray(claims.map(({ userId }) => userId)),
    plainArray(claims.map(({ amount }) => amount)),
    plainArray(claims.map(({ transferId }) => transferId)),
    timestamptz(at),
    textArray(claims.map(({ nonce }) => nonce)),
  ],
};

/** The last claim empties the pot, and that closes the sprinkle. */
const COUNT_CLAIMS = touchingAll<NewClaim>(
  {
    name: 'count-claims',
    text: `
    UPDATE sprinkles s SET claimed_count = s.claimed_count + new.claims,
      closed_at = CASE WHEN s.claimed_count + new.claims = cardinality(s.shares) THEN $2::timestamptz END
    FROM (SELECT id, count(*)::integer AS claims FROM unnest($1::uuid[]) AS id GROUP BY id) AS new,
      LATERAL (SELECT i.ctid FROM sprinkles i WHERE i.id = new.id OFFSET 0) AS found
    WHERE s.ctid = found.ctid`,
    rows: ({ sprinkles }) => sprinkles.claimsInOrder(),
    values: (claims, { at }) => [plainArray(claims.map(({ sprinkleId }) => sprinkleId)), timestamptz(at)],
  },
  (claims) => new Set(claims.map(({ sprinkleId }) => sprinkleId)).size,
);

/**
 * The same where each claim picked one of the shares that were left: they are put into the order of their claims, so that those
 * handed out always come first. A trigger (migration 0165) holds them against what they were.
 */
const ADVANCE_DRAWS = touchingAll<AdvancedDraw>({
  name: 'advance-draws',
  text: `
  UPDATE sprinkles s SET claimed_count = s.claimed_count + new.claims,
    shares = s.shares[1 : s.claimed_count] || new.shares::bigint[], draw_chain = decode(new.chain, 'hex'),
    closed_at = CASE WHEN s.claimed_count + new.claims = cardinality(s.shares) THEN $5::timestamptz END
  FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[]) AS new (id, claims, shares, chain),
    LATERAL (SELECT i.ctid FROM sprinkles i WHERE i.id = new.id OFFSET 0) AS found
  WHERE s.ctid = found.ctid`,
  rows: ({ sprinkles }) => sprinkles.advancedDraws(),
  values: (draws, { at }) => [
    plainArray(draws.map(({ sprinkleId }) => sprinkleId)),
    plainArray(draws.map(({ claims }) => claims)),
    textArray(draws.map(({ shares }) => plainArray(shares))),
    textArray(draws.map(({ chain }) => chain)),
    timestamptz(at),
  ],
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

const STATEMENTS = [
  INSERT_SPRINKLES,
  TAKE_TOKENS,
  INSERT_CLAIMS,
  COUNT_CLAIMS,
  ADVANCE_DRAWS,
  CLOSE_REFUNDED,
  CLOSE_CANCELLED,
];

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

/** A sprinkle that calls of the batch want to claim. */
interface WantedSprinkle {
  readonly roomId: string;
  readonly token: string;
  readonly claimers: Set<bigint>;
}

/** The tokens that calls of a batch want of a room. */
interface WantedTokens {
  readonly candidates: Set<string>;
  /** How many sprinkles of the room the batch creates. */
  count: number;
}

const NO_TOKENS: ReadonlyMap<string, readonly string[]> = new Map();

/** Reads the sprinkles that the calls of a batch claim, and tokens for those that they create. */
export class SprinklesFacet implements Facet<Sprinkles> {
  readonly #wanted = new Map<string, WantedSprinkle>();
  readonly #ids = new Set<string>();
  readonly #tokens = new Map<string, WantedTokens>();
  #loaded: readonly OpenSprinkle[] = [];
  readonly statements = STATEMENTS;

  collect({ sprinkle, sprinkleId, tokens }: ReadSet): void {
    if (sprinkleId) this.#ids.add(sprinkleId);
    if (sprinkle) {
      const { roomId, token, claimerUserId } = sprinkle;
      const wanted = this.#wanted.get(`${roomId}/${token}`) ?? { roomId, token, claimers: new Set() };
      wanted.claimers.add(claimerUserId);
      this.#wanted.set(`${roomId}/${token}`, wanted);
    }
    if (tokens) {
      const wanted = this.#tokens.get(tokens.roomId) ?? { candidates: new Set(), count: 0 };
      wanted.count += 1;
      for (const candidate of tokens.candidates) wanted.candidates.add(candidate);
      this.#tokens.set(tokens.roomId, wanted);
    }
  }

  load(client: PoolClient, context: BatchContext): Sprinkles | Promise<Sprinkles> {
    if (this.#wanted.size === 0 && this.#tokens.size === 0 && this.#ids.size === 0) {
      return new Sprinkles({ sprinkles: [], claims: new Set(), freeTokens: NO_TOKENS }, context);
    }
    return this.#read(client, context);
  }

  async #read(client: PoolClient, context: BatchContext): Promise<Sprinkles> {
    const [sprinkles, byId, claims, freeTokens] = await allDone([
      this.#readSprinkles(client),
      this.#readById(client),
      this.#readClaims(client),
      findFreeTokens(client, this.#tokens, context.random),
    ] as const);
    this.#loaded = sprinkles;
    return new Sprinkles({ sprinkles, byId, claims, freeTokens }, context);
  }

  async #readById(client: PoolClient): Promise<Sprinkle[]> {
    if (this.#ids.size === 0) return [];
    const values = [plainArray([...this.#ids])];
    const { rows } = await client.query<SprinkleRow>({
      name: 'read-sprinkles-by-id',
      text: READ_BY_ID,
      values,
    });
    return rows.map(toSprinkle);
  }

  async #readSprinkles(client: PoolClient): Promise<OpenSprinkle[]> {
    const wanted = [...this.#wanted.values()];
    if (wanted.length === 0) return [];
    const { rows } = await client.query<OpenSprinkleRow>({
      name: 'read-sprinkles',
      text: READ_SPRINKLES,
      values: [
        textArray(wanted.map(({ roomId }) => roomId)),
        textArray(wanted.map(({ token }) => token)),
        plainArray(wanted.map(({ claimers }) => claimers.size)),
      ],
    });
    return rows.map(toOpenSprinkle);
  }

  async #readClaims(client: PoolClient): Promise<Set<string>> {
    const wanted = [...this.#wanted.values()].flatMap(({ roomId, token, claimers }) =>
      [...claimers].map((userId) => ({ roomId, token, userId })),
    );
    if (wanted.length === 0) return new Set();
    const { rows } = await client.query<{ sprinkle_id: string; user_id: string }>({
      name: 'read-claims',
      text: READ_CLAIMS,
      values: [
        textArray(wanted.map(({ roomId }) => roomId)),
        textArray(wanted.map(({ token }) => token)),
        plainArray(wanted.map(({ userId }) => userId)),
      ],
    });
    return new Set(rows.map((row) => claimKey(row.sprinkle_id, BigInt(row.user_id))));
  }

  /** A token can move to another sprinkle between the lock of its pot and the read after it. */
  isStale({ accounts }: LedgerBatch): boolean {
    return this.#loaded.some(({ sprinkle }) => !accounts.has(sprinkle.potAccountId));
  }
}

/**
 * Free tokens for every room in which the batch creates sprinkles: the candidates that are free or, in a room where these
 * are too few, tokens drawn from all that are left. A room without free tokens gets none.
 */
async function findFreeTokens(
  client: PoolClient,
  wantedByRoom: ReadonlyMap<string, WantedTokens>,
  random: Random,
): Promise<Map<string, string[]>> {
  const free = new Map<string, string[]>();
  if (wantedByRoom.size === 0) return free;
  const wanted = [...wantedByRoom].flatMap(([roomId, { candidates }]) =>
    [...candidates].map((token) => ({ roomId, token })),
  );
  const { rows } = await client.query<{ room_id: string; token: string }>({
    name: 'read-taken-tokens',
    text: READ_TAKEN,
    values: [textArray(wanted.map(({ roomId }) => roomId)), textArray(wanted.map(({ token }) => token))],
  });
  const taken = new Set(rows.map((row) => `${row.room_id}/${row.token}`));
  for (const [roomId, { candidates, count }] of wantedByRoom) {
    const tokens = [...candidates].filter((token) => !taken.has(`${roomId}/${token}`));
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
