// Reads everything that the calls of a batch decide by.
import type { PoolClient } from 'pg';
import { inOneWrite } from '../db/pool.ts';
import type { Call } from '../domain/batch/decide.ts';
import type { BatchContext, FacetName, LedgerBatch } from '../domain/batch/ledger-batch.ts';
import { allDone, askedBy, type Facet, StaleReadError } from './facet.ts';
import { FACETS } from './facets/index.ts';

const NAMES = Object.keys(FACETS);
const ALL = Object.values<Facet<unknown>>(FACETS);

/**
 * Begins the transaction, locks, and reads everything that the calls decide by: in one round trip, unless a facet has to
 * complete what it read. Throws StaleReadError.
 */
export async function loadBatch(
  client: PoolClient,
  calls: readonly Pick<Call, 'command' | 'intent' | 'key'>[],
  context: BatchContext,
  begin: () => Promise<unknown>,
): Promise<LedgerBatch> {
  const asked = askedBy(calls, context.random);
  const loading = inOneWrite(client, () => [
    begin(),
    ...ALL.map((facet) => facet.load(client, asked, context)),
  ]);
  const [, ...states] = await allDone(loading);
  // FACETS has one facet for each property of LedgerBatch, and says so to the compiler.
  const loaded = Object.fromEntries(NAMES.map((name, index) => [name, states[index]]));
  const batch: LedgerBatch = Object.assign(context, loaded as Record<FacetName, never>);
  if (ALL.some((facet) => facet.isStale?.(asked, batch))) throw new StaleReadError();
  for (const facet of ALL) {
    const reading = facet.complete?.(client, asked, batch);
    if (reading) await reading;
  }
  return batch;
}
