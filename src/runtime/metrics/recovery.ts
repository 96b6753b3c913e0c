// Metrics of whether what is lost could be brought back. They stand in the database, so every worker tells the same.
import type { Registry } from 'prom-client';
import type { RecoveryState } from '../../db/jobs/index.ts';
import { type StateGauge, stateGauges } from './gauges.ts';

/** The drill that a worker runs is a restore. */
const LABELS = { drill: 'restore' };

const GAUGES: readonly StateGauge<RecoveryState>[] = [
  {
    name: 'ppuri_drill_ok',
    help: 'Whether the last drill brought back what it has to: 1 or 0.',
    labels: LABELS,
    read: ({ drill }) => drill && Number(drill.ok),
  },
  {
    name: 'ppuri_drill_rto_seconds',
    help: 'How long the last drill took.',
    labels: LABELS,
    read: ({ drill }) => drill?.rtoSeconds,
  },
  {
    name: 'ppuri_drill_rpo_seconds',
    help: 'How old the last commit was that the last drill restored, when it began.',
    labels: LABELS,
    read: ({ drill }) => drill?.rpoSeconds,
  },
  {
    name: 'ppuri_backup_age_seconds',
    help: 'How long ago the backup ended that was last restored by a drill.',
    read: ({ drill }) => drill?.backupAgeSeconds,
  },
  {
    name: 'ppuri_wal_archive_lag_seconds',
    help: 'How long ago WAL was last archived.',
    read: ({ walLagSeconds }) => walLagSeconds,
  },
];

/** Opens them, told how to read the state. */
export function recoveryMetrics(registry: Registry, readState: () => Promise<RecoveryState>): void {
  stateGauges(registry, GAUGES, readState);
}
