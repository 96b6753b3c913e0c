// The sealed seeds of sprinkles, for sealing them again under another key-encryption key.
import type { Queries } from './pool.ts';
import { plainArray, textArray } from './sql.ts';

/** A sprinkle's seed as the database has it. */
export interface SealedSeed {
  readonly sprinkleId: string;
  readonly sealed: string;
}

/** Reads and replaces sealed seeds, with a login of ppuri_admin. */
export interface SealedSeeds {
  /** Up to `size` of them, by the ids of their sprinkles, after this id. */
  list(after: string, size: number): Promise<SealedSeed[]>;
  /** Replaces them, in one statement. */
  replace(seeds: readonly SealedSeed[]): Promise<void>;
}

const LIST = `
  SELECT id AS "sprinkleId", sealed_seed AS sealed FROM sprinkles WHERE id > $1 AND sealed_seed IS NOT NULL ORDER BY id LIMIT $2`;

const REPLACE = `
  UPDATE sprinkles s SET sealed_seed = new.sealed FROM unnest($1::uuid[], $2::text[]) AS new (id, sealed) WHERE s.id = new.id`;

export function createSealedSeeds(db: Queries): SealedSeeds {
  return {
    list: async (after, size) => (await db.query<SealedSeed>(LIST, [after, size])).rows,
    replace: async (seeds) => {
      const ids = plainArray(seeds.map(({ sprinkleId }) => sprinkleId));
      await db.query(REPLACE, [ids, textArray(seeds.map(({ sealed }) => sealed))]);
    },
  };
}
