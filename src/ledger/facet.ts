// What a facet is: one kind of thing that batches read and write. facets/ has one file for each.
import type { PoolClient } from 'pg';
import type { UncountedWallet } from '../db/limits/index.ts';
import type { Call } from '../domain/batch/decide.ts';
import type { BatchContext, LedgerBatch, ReadSet } from '../domain/batch/ledger-batch.ts';
import type { IdempotencyKey } from '../domain/intent.ts';
import type { Random } from '../domain/random.ts';

/** What one call asks its batch for. */
export interface Asked {
  readonly readSet: ReadSet;
  readonly key: IdempotencyKey;
}

/** A facet of the ledger. It keeps nothing of a batch: `State` is what commands see of it. */
export interface Facet<State> {
  /**
   * Sends its reads and resolves to the state that commands decide over. All facets' reads share one round trip: they are
   * sent in the order of the facets, before any answer is awaited. What no call asks for is not read.
   */
  load(client: PoolClient, asked: readonly Asked[], context: BatchContext): State | Promise<State>;
  /**
   * Reads what depends on what was read before; undefined where there is nothing. It may throw StaleReadError.
   */
  complete?(client: PoolClient, asked: readonly Asked[], batch: LedgerBatch): Promise<void> | undefined;
  /** Whether what was read does not fit the accounts that were locked: another batch came between the two. */
  isStale?(asked: readonly Asked[], batch: LedgerBatch): boolean;
  /** What it writes, in this order. */
  readonly statements: readonly Statement[];
}

/** What these calls ask for. The tokens that a call would try for a sprinkle are other ones each time. */
export function askedBy(calls: readonly Pick<Call, 'command' | 'intent' | 'key'>[], random: Random): Asked[] {
  return calls.map(({ command, intent, key }) => ({ readSet: command.readSet(intent, random), key }));
}

/** What calls ask for of one kind, each once: `of` says what one call does, and `nameOf` which are the same. */
export function distinct<T>(
  asked: readonly Asked[],
  of: (readSet: ReadSet) => T | readonly T[] | undefined,
  nameOf: (one: T) => unknown = (one) => one,
): T[] {
  const all = new Map<unknown, T>();
  for (const { readSet } of asked) {
    const found = of(readSet);
    if (Array.isArray(found)) for (const one of found as readonly T[]) all.set(nameOf(one), one);
    else if (found !== undefined) all.set(nameOf(found as T), found as T);
  }
  return [...all.values()];
}

/**
 * One set-based statement over all rows that a batch has of a kind. It is not sent when there are none. COMMIT is sent along
 * with it, so it must raise where it writes fewer rows than it is given (`touchingAll`).
 */
export interface Statement<Row = unknown> {
  /** The name of the prepared statement. */
  readonly name: string;
  readonly text: string;
  /** The rows to write. */
  rows(batch: LedgerBatch): readonly Row[];
  /** Its parameters. */
  values(rows: readonly Row[], batch: LedgerBatch): readonly (string | null)[];
}

/**
 * Makes an UPDATE, or an INSERT that may leave out rows, raise serialization_failure unless it touches all of them (migration
 * 0140): another batch came between, and this one runs again.
 */
export function touchingAll<Row>({ text, values, ...statement }: Statement<Row>): Statement<Row> {
  const parameter = 1 + Math.max(...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
  return {
    ...statement,
    text: `WITH touched AS (${text} RETURNING 1) SELECT require_row_count(count(*), $${parameter}) FROM touched`,
    values: (rows, batch) => [...values(rows, batch), String(rows.length)],
  };
}

/** What the batch locked is not what it then read: another batch came between. The batch runs again. */
export class StaleReadError extends Error {}

/** Wallets have too many transfers to be counted while they are locked. Nothing is done; they are counted first. */
export class UncountedError extends Error {
  readonly wallets: readonly UncountedWallet[];
  /** The names of the rows, as rowNames() writes them, whose calls need these wallets. */
  readonly names: ReadonlySet<string>;

  constructor(wallets: readonly UncountedWallet[], names: ReadonlySet<string>) {
    super(`wallets have more transfers than a batch counts: ${wallets.map(({ id }) => id)}`);
    this.wallets = wallets;
    this.names = names;
  }
}

/** The calls of a batch need too much together. It is divided, and nothing of it is done before. */
export class BatchTooLargeError extends Error {}

/** Waits for all of these; throws the first error, but only once the connection they share is quiet again. */
export async function allDone<T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
