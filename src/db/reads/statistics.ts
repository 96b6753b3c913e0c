// Reads statistics that were aggregated before.
import type { Period } from '../../domain/statistics.ts';
import type { Micros } from '../../domain/time.ts';
import type { Queries } from '../pool.ts';
import { microsOf, timestamptz } from '../sql.ts';

/** Which figures. */
export interface SeriesFilter {
  readonly measure: string;
  readonly period: Period;
  /** At or after. */
  readonly from: Micros;
  /** Before. */
  readonly before: Micros;
  /** Only figures with this label, such as a kind or a room; all when empty. */
  readonly label: string;
}

/** One figure. */
export interface Figure {
  readonly startsAt: Micros;
  readonly label: string;
  readonly currency: string;
  readonly value: number;
}

const SERIES = `
  SELECT ${microsOf('starts_at')} AS starts_at, label, currency, value FROM statistics
  WHERE period = $1 AND measure = $2 AND starts_at >= $3 AND starts_at < $4 AND ($5 = '' OR label = $5)
  ORDER BY starts_at, label, currency LIMIT $6`;

/** Figures in the order of time, at most `limit` of them. */
export async function readSeries(db: Queries, filter: SeriesFilter, limit: number): Promise<Figure[]> {
  type Row = { starts_at: string; label: string; currency: string; value: number };
  const { measure, period, from, before, label } = filter;
  const values = [period, measure, timestamptz(from), timestamptz(before), label, limit];
  const { rows } = await db.query<Row>({ name: 'read-series', text: SERIES, values });
  return rows.map(({ starts_at, ...figure }) => ({ ...figure, startsAt: Number(starts_at) }));
}
