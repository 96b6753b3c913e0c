// Shows ops the figures of a measure over time.
import type { Pool } from '../../db/pool.ts';
import { type Figure, readSeries, type SeriesFilter } from '../../db/reads/statistics.ts';
import { refuseField } from '../../domain/refusal.ts';
import { MEASURES } from '../../domain/statistics.ts';
import { mustBeOneOf } from '../../domain/words.ts';

export type { Figure } from '../../db/reads/statistics.ts';

const MAX_FIGURES = 10_000;

/** Refuses INVALID_FIELD where there is no such measure. */
export async function getStatistics(pool: Pool, filter: SeriesFilter): Promise<Figure[]> {
  if (!(filter.measure in MEASURES)) {
    throw refuseField('INVALID_FIELD', 'measure', mustBeOneOf(Object.keys(MEASURES)));
  }
  return readSeries(pool, filter, MAX_FIGURES);
}
