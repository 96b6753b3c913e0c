// All dashboards, and their files.
import { CACHE_AND_LIMITS } from './cache-and-limits.ts';
import { buildDashboard, type DashboardSpec } from './dashboard.ts';
import { EDGE } from './edge.ts';
import { JOBS_AND_PAYOUTS } from './jobs-and-payouts.ts';
import { LEDGER } from './ledger.ts';
import { OVERVIEW } from './overview.ts';
import { POSTGRES } from './postgres.ts';
import { RECOVERY } from './recovery.ts';
import { REDIS } from './redis.ts';
import { SECURITY } from './security.ts';
import { TELEMETRY } from './telemetry.ts';

/** In the order in which they are listed. */
export const DASHBOARDS: readonly DashboardSpec[] = [
  OVERVIEW,
  LEDGER,
  CACHE_AND_LIMITS,
  JOBS_AND_PAYOUTS,
  SECURITY,
  POSTGRES,
  REDIS,
  EDGE,
  RECOVERY,
  TELEMETRY,
];

/** The folder of the printed dashboards, which a Grafana reads them from. */
export const DASHBOARDS_FOLDER = new URL(
  '../../../deploy/observability/grafana/dashboards/',
  import.meta.url,
);

/** The files of DASHBOARDS_FOLDER by name, with their text. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map(
    DASHBOARDS.map((spec) => [
      `${spec.name}.json`,
      `${JSON.stringify(buildDashboard(spec), undefined, 2)}\n`,
    ]),
  );
}
