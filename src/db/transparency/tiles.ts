// The tree's rows: each has up to 256 hashes.
import type { Reader } from '../pool.ts';
import { plainArray } from '../sql.ts';

/** A row of transparency_tiles. */
export interface StoredTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Buffer;
  /** Of level 0 only: 32 bytes for each leaf. */
  readonly salts: Buffer | undefined;
}

const LOCK = 'SELECT size FROM transparency_log FOR UPDATE SKIP LOCKED';
const SIZE = 'SELECT size FROM transparency_log';
const PROGRESS = `
  SELECT (SELECT size FROM transparency_log) AS size, (SELECT leaves FROM feed_end) AS sealed, s.size AS signed, s."signedAgeMs"
  FROM (SELECT) AS one LEFT JOIN LATERAL (
    SELECT size, 1000 * extract(epoch FROM clock_timestamp() - created_at)::float8 AS "signedAgeMs"
    FROM transparency_checkpoints ORDER BY size DESC LIMIT 1) AS s ON true`;
const READ = `
  SELECT level, index, hashes, salts FROM transparency_tiles
  WHERE (level, index) IN (SELECT * FROM unnest($1::smallint[], $2::bigint[]))`;
/** Hashes and salts are one value each, cut up here: as arrays the driver would send them in hexadecimal. */
const STORE = `
  WITH tiles AS (
    INSERT INTO transparency_tiles (level, index, hashes, salts)
    SELECT level, index, substring($3::bytea FROM start + 1 FOR size),
      CASE WHEN level = 0 THEN substring($4::bytea FROM start + 1 FOR size) END
    FROM unnest($1::smallint[], $2::bigint[], $6::integer[], $7::integer[]) AS tile (level, index, start, size)
    ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes, salts = excluded.salts)
  UPDATE transparency_log SET size = $5`;

/** Locks the log to the end of the transaction, and returns its size; undefined where another worker has it locked. */
export async function lockLog(client: Reader): Promise<number | undefined> {
  const { rows } = await client.query<{ size: string }>({ name: 'lock-log', text: LOCK, values: [] });
  return rows[0] && Number(rows[0].size);
}

/** The number of leaves. */
export async function logSize(db: Reader): Promise<number> {
  const { rows } = await db.query<{ size: string }>({ name: 'log-size', text: SIZE, values: [] });
  return Number(rows[0]?.size ?? 0);
}

/** How far the log is, and what it has to catch up with; all in leaves. */
export interface LogProgress {
  readonly size: number;
  /** Transfers that are sealed. */
  readonly sealed: number;
  /** What the last checkpoint has, and for how long it has been there, in milliseconds; without one 0 and Infinity. */
  readonly signed: number;
  readonly signedAgeMs: number;
}

/** Reads it without locking anything: most times there is nothing to do. */
export async function logProgress(db: Reader): Promise<LogProgress> {
  type Row = { size: string; sealed: string; signed: string | null; signedAgeMs: number | null };
  const { rows } = await db.query<Row>({ name: 'log-progress', text: PROGRESS, values: [] });
  const { size = 0, sealed = 0, signed, signedAgeMs } = rows[0] ?? {};
  return {
    size: Number(size),
    sealed: Number(sealed),
    signed: Number(signed ?? 0),
    signedAgeMs: signedAgeMs ?? Number.POSITIVE_INFINITY,
  };
}

/** The tiles of these places; those that are not there are left out. */
export async function readTiles(
  db: Reader,
  places: readonly Pick<StoredTile, 'level' | 'index'>[],
): Promise<StoredTile[]> {
  if (places.length === 0) return [];
  const values = [places.map(({ level }) => level), places.map(({ index }) => index)];
  type Row = { level: number; index: string; hashes: Buffer; salts: Buffer | null };
  const { rows } = await db.query<Row>({ name: 'read-tiles', text: READ, values });
  return rows.map((row) => ({ ...row, index: Number(row.index), salts: row.salts ?? undefined }));
}

/**
 * Writes tiles that are new or have grown, those of level 0 first, and the size of the log that has them, which the caller has
 * locked. A tile of level 0 has as many bytes of salts as of hashes.
 */
export async function storeTiles(client: Reader, tiles: readonly StoredTile[], size: number): Promise<void> {
  let end = 0;
  const starts = tiles.map(({ hashes }) => {
    end += hashes.length;
    return end - hashes.length;
  });
  const values = [
    plainArray(tiles.map(({ level }) => level)),
    plainArray(tiles.map(({ index }) => index)),
    Buffer.concat(tiles.map(({ hashes }) => hashes)),
    Buffer.concat(tiles.flatMap(({ salts }) => salts ?? [])),
    size,
    plainArray(starts),
    plainArray(tiles.map(({ hashes }) => hashes.length)),
  ];
  await client.query({ name: 'store-tiles', text: STORE, values });
}
