// Whether what is lost can be brought back: backups, the archive of WAL, drills.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';

/** The dashboard. */
export const RECOVERY: DashboardSpec = {
  name: 'recovery',
  title: 'recovery',
  purpose:
    'If a node or the whole site were lost now: what would be lost with it, and how long would it take?',
  instancesOf: 'ppuri_backup_age_seconds',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Last drill',
          tells: 'Whether the last drill brought back what it has to: 1 or 0.',
          good: '1, always.',
          unit: UNIT.count,
          queries: [['min(ppuri_drill_ok)', 'ok']],
          bad: { below: 1 },
          runbook: 'drill-failed',
          requires: 'a run of the job restore-drill',
        }),
        stat({
          title: 'Time to recover',
          tells: 'How long the restore of the last drill took, its checks included.',
          good: 'below an hour (3,600 s). It grows with the database, and with the WAL to replay.',
          unit: UNIT.duration,
          queries: [['max(ppuri_drill_rto_seconds)', 'seconds']],
          bad: { above: 3600 },
          runbook: 'drill-too-slow',
          requires: 'a run of the job restore-drill',
        }),
        stat({
          title: 'Data that a drill lost',
          tells:
            'How old the last restored commit was when the drill began: what the loss of the site would have cost.',
          good: 'about 60 s, the archive_timeout. At 120 s the archive was behind.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_drill_rpo_seconds)', 'seconds']],
          bad: { above: 120 },
          runbook: 'drill-lost-data',
          requires: 'a run of the job restore-drill',
        }),
        stat({
          title: 'Age of the last backup',
          tells: 'How long ago the base backup ended that a drill last restored.',
          good: 'below 36 hours. A restore replays all WAL since.',
          unit: UNIT.duration,
          queries: [['min(ppuri_backup_age_seconds)', 'age']],
          bad: { above: 36 * 3600 },
          runbook: 'backup-old',
          requires: 'a run of the job restore-drill',
        }),
      ],
    },
    {
      title: 'Backups',
      panels: [
        chart({
          title: 'Age of backups',
          tells: 'How long ago the base backup ended that a drill last restored.',
          good: 'a saw of one tooth a day that stays below 36 hours.',
          unit: UNIT.duration,
          queries: [['min(ppuri_backup_age_seconds)', 'age']],
          bad: { above: 36 * 3600 },
          runbook: 'backup-old',
          requires: 'a run of the job restore-drill',
        }),
        chart({
          title: 'WAL that is not in the archive',
          tells: 'How long ago WAL was last archived: writes since are on this site only.',
          good: 'below 60 s, which is what the loss of the site may cost.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_wal_archive_lag_seconds)', 'lag']],
          bad: { above: 60 },
          runbook: 'wal-archive-lag',
          requires: 'an archive of WAL',
        }),
      ],
    },
    {
      title: 'Drills',
      panels: [
        chart({
          title: 'Time that drills took',
          tells: 'How long the restore of the last drill of each kind took, its checks included.',
          good: 'below an hour (3,600 s), and level.',
          unit: UNIT.duration,
          queries: [['max by (drill) (ppuri_drill_rto_seconds)', '{{drill}}']],
          bad: { above: 3600 },
          runbook: 'drill-too-slow',
          requires: 'a run of the job restore-drill',
        }),
        chart({
          title: 'Time that drills lost',
          tells: 'How old the last restored commit was when the last drill of each kind began.',
          good: 'about 60 s, the archive_timeout. At 120 s the archive was behind.',
          unit: UNIT.seconds,
          queries: [['max by (drill) (ppuri_drill_rpo_seconds)', '{{drill}}']],
          bad: { above: 120 },
          runbook: 'drill-lost-data',
          requires: 'a run of the job restore-drill',
        }),
      ],
    },
    {
      title: 'Copies',
      panels: [
        chart({
          title: 'Replicas that stream',
          tells: 'Replicas that receive WAL from the primary.',
          good: 'as many as were set up, 1 or more.',
          unit: UNIT.count,
          queries: [['count(ppuri_pg_standby_replay_lag_seconds) or vector(0)', 'replicas']],
          runbook: 'replica-detached',
        }),
        chart({
          title: 'Last file of WAL in the archive',
          tells: 'How long ago the primary archived a file of WAL; -1 before the first one.',
          good: 'below 60 s while there are writes and archive_timeout is 60 s.',
          unit: UNIT.duration,
          queries: [['max(ppuri_pg_archiver_last_archived_age_seconds)', 'ago']],
          runbook: 'wal-archive-lag',
        }),
        chart({
          title: 'Archiving that fails',
          tells: 'Whether the last attempt to archive WAL failed: 1 or 0.',
          good: '0. What is not archived cannot be restored, and stays on the primary’s disk until it is full.',
          unit: UNIT.count,
          queries: [['max(ppuri_pg_archiver_failing)', 'fails']],
          bad: { above: 1 },
          runbook: 'wal-archive-failing',
        }),
      ],
    },
  ],
};
