// Reads the figures of a measure over time, for operators.
import type { Figure, SeriesFilter } from '../../db/reads/index.ts';
import { mustBeOneOf } from '../../domain/localized-text.ts';
import { refuseField } from '../../domain/refusal.ts';
import { MEASURES } from '../../domain/statistics.ts';
import type { AdminReads } from '../../repositories/index.ts';

export type { Figure } from '../../db/reads/index.ts';

const MAX_FIGURES = 10_000;

/** Refuses INVALID_FIELD if there is no such measure. */
export async function getStatistics(
  core: Pick<AdminReads, 'statistics'>,
  filter: SeriesFilter,
): Promise<Figure[]> {
  if (!(filter.measure in MEASURES)) {
    throw refuseField('INVALID_FIELD', 'measure', mustBeOneOf(Object.keys(MEASURES)));
  }
  return core.statistics.series(filter, MAX_FIGURES);
}
