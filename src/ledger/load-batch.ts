// Reads everything that the calls of a batch decide by.
import type { PoolClient } from 'pg';
import { inOneWrite } from '../db/pool.ts';
import type { Call } from '../domain/batch/decide.ts';
import type { BatchContext, FacetName, LedgerBatch } from '../domain/batch/ledger-batch.ts';
import { allDone, type Facet, StaleReadError } from './facet.ts';
import { FACETS } from './facets/index.ts';

const FACET_NAMES = Object.keys(FACETS);
const FACET_CLASSES: readonly (new () => Facet<unknown>)[] = Object.values(FACETS);

/** The facets of one batch. */
export function newFacets(): Facet<unknown>[] {
  return FACET_CLASSES.map((FacetClass) => new FacetClass());
}

/**
 * Begins the transaction, locks, and reads everything that the calls decide by: in one round trip, unless a facet has to
 * complete what it read. Throws StaleReadError.
 */
export async function loadBatch(
  client: PoolClient,
  facets: readonly Facet<unknown>[],
  calls: readonly Pick<Call, 'command' | 'intent' | 'key'>[],
  context: BatchContext,
  begin: () => Promise<unknown>,
): Promise<LedgerBatch> {
  for (const { command, intent, key } of calls) {
    const readSet = command.readSet(intent, context.random);
    for (const facet of facets) facet.collect?.(readSet, key);
  }
  const loading = inOneWrite(client, () => [begin(), ...facets.map((facet) => facet.load(client, context))]);
  const [, ...states] = await allDone(loading);
  // FACETS has one facet for each property of LedgerBatch, and says so to the compiler.
  const loaded = Object.fromEntries(FACET_NAMES.map((name, index) => [name, states[index]]));
  const batch: LedgerBatch = Object.assign(context, loaded as Record<FacetName, never>);
  if (facets.some((facet) => facet.isStale?.(batch))) throw new StaleReadError();
  for (const facet of facets) {
    const reading = facet.complete?.(client, batch);
    if (reading) await reading;
  }
  return batch;
}
