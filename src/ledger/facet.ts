// What a facet is: one kind of thing that batches read and write. facets/ has one file for each.
import type { PoolClient } from 'pg';
import type { BatchContext, LedgerBatch, ReadSet } from '../domain/batch/ledger-batch.ts';
import type { IdempotencyKey } from '../domain/intent.ts';

/** A facet of the ledger; each batch has its own instance. `State` is what commands see of it. */
export interface Facet<State> {
  /** Adds what one call reads to what the batch loads. */
  collect?(readSet: ReadSet, key: IdempotencyKey): void;
  /**
   * Sends its reads and resolves to the state that commands decide over. All facets' reads share one round trip: they are
   * sent in the order of the facets, before any answer is awaited. Nothing is sent when nothing was collected.
   */
  load(client: PoolClient, context: BatchContext): State | Promise<State>;
  /** Whether what was read does not fit the accounts that were locked: another batch came between the two. */
  isStale?(batch: LedgerBatch): boolean;
  /** What it writes, in this order. */
  readonly statements: readonly Statement[];
}

/** One set-based statement over all rows that a batch has of a kind. It is not sent when there are none. */
export interface Statement<Row = unknown> {
  /** The name of the prepared statement. */
  readonly name: string;
  readonly text: string;
  /** The rows to write. */
  rows(batch: LedgerBatch): readonly Row[];
  /** Its parameters. */
  values(rows: readonly Row[], batch: LedgerBatch): readonly string[];
  /** How many rows it must touch, or the batch runs again; as many as there are if left out. */
  touches?(rows: readonly Row[]): number;
}

/** What the batch locked is not what it then read or wrote: another batch came between. The batch runs again. */
export class StaleReadError extends Error {}

/** Waits for all of these; throws the first error, but only once the connection they share is quiet again. */
export async function allDone<T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
