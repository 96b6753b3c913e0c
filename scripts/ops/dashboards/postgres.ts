// Postgres as its exporter sees it: connections, transactions, what they wait for, replicas and WAL.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { CHOSEN, rateOf, shareOf } from './promql.ts';

/** The databases of the product: transfers, and old months of them. */
const OURS = 'datname=~"ppuri.*"';

/** The dashboard. */
export const POSTGRES: DashboardSpec = {
  name: 'postgres',
  title: 'Postgres',
  purpose: 'Does Postgres take writes, what do they wait for, and are its copies near?',
  instancesOf: 'pg_up',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Postgres answers',
          tells: 'Whether the exporter reaches Postgres: 1 or 0, the least of all.',
          good: '1.',
          unit: UNIT.count,
          queries: [[`min(pg_up{${CHOSEN}})`, 'up']],
          bad: { below: 1 },
          runbook: 'postgres-unavailable',
        }),
        stat({
          title: 'Connections in use',
          tells: 'The share of max_connections that is taken.',
          good: 'below 80 %. At 100 % new processes cannot start.',
          unit: UNIT.share,
          queries: [
            [
              `max(sum by (instance) (pg_stat_activity_count{${CHOSEN}}) / on (instance) pg_settings_max_connections{${CHOSEN}})`,
              'share',
            ],
          ],
          bad: { above: 0.9 },
          runbook: 'postgres-connections-full',
        }),
        stat({
          title: 'Longest transaction',
          tells: 'For how long the oldest running transaction has run.',
          good: 'below 60 s, but for backups and reconciling. A long one keeps dead rows, and holds back changes of tables.',
          unit: UNIT.seconds,
          queries: [[`max(pg_stat_activity_max_tx_duration{${CHOSEN},${OURS}})`, 'oldest']],
          bad: { above: 600 },
        }),
        stat({
          title: 'Postgres is read-only',
          tells: 'Whether a server or a worker found Postgres read-only: 1 or 0, the most of all.',
          good: '0. At 1 it is a standby, or was made read-only: no money moves.',
          unit: UNIT.count,
          queries: [['max(ppuri_postgres_read_only)', 'read-only']],
          bad: { above: 1 },
          runbook: 'postgres-read-only',
        }),
      ],
    },
    {
      title: 'Transactions',
      panels: [
        chart({
          title: 'Commits and rollbacks',
          tells: 'Transactions a second, of the databases of ppuri.',
          good: 'commits far below calls under load, because batches share them; rollbacks below 5 % of them.',
          unit: UNIT.perSecond,
          queries: [
            [`sum(${rateOf('pg_stat_database_xact_commit', OURS)})`, 'commits'],
            [`sum(${rateOf('pg_stat_database_xact_rollback', OURS)})`, 'rollbacks'],
          ],
        }),
        chart({
          title: 'Rows',
          tells: 'Rows a second that were read by an index, inserted, updated and deleted.',
          good: 'in step with calls. Reads that jump alone are a statement that lost its index.',
          unit: UNIT.perSecond,
          queries: ['fetched', 'inserted', 'updated', 'deleted'].map((act) => [
            `sum(${rateOf(`pg_stat_database_tup_${act}`, OURS)})`,
            act,
          ]),
        }),
        chart({
          title: 'Pages from memory',
          tells: 'The share of pages that were found in shared_buffers.',
          good: 'above 99 %. Lower for long: more shared_buffers, or lists that are read from long ago.',
          unit: UNIT.share,
          queries: [
            [
              shareOf(
                `sum(${rateOf('pg_stat_database_blks_hit', OURS)})`,
                `(sum(${rateOf('pg_stat_database_blks_hit', OURS)}) + sum(${rateOf('pg_stat_database_blks_read', OURS)}))`,
              ),
              'found',
            ],
          ],
        }),
        chart({
          title: 'Size of the databases',
          tells: 'Bytes of each database of ppuri.',
          good: 'it grows by about 1 KB a transfer, and not beyond the disk: see the overview.',
          unit: UNIT.bytes,
          queries: [[`sum by (datname) (pg_database_size_bytes{${CHOSEN},${OURS}})`, '{{datname}}']],
          runbook: 'disk-filling',
        }),
        chart({
          title: 'Sorting on disk',
          tells: 'Bytes a second that were written to temporary files.',
          good: '0 but for reports: more work_mem, or a statement that sorts too much.',
          unit: UNIT.bytesPerSecond,
          queries: [[`sum(${rateOf('pg_stat_database_temp_bytes', OURS)})`, 'bytes']],
        }),
      ],
    },
    {
      title: 'Waits',
      panels: [
        chart({
          title: 'Connections by state',
          tells: 'Connections of the databases of ppuri, by state.',
          good: 'few active, and `idle in transaction` about 0: it holds locks and does nothing.',
          unit: UNIT.count,
          queries: [[`sum by (state) (pg_stat_activity_count{${CHOSEN},${OURS}})`, '{{state}}']],
        }),
        chart({
          title: 'Locks',
          tells: 'Locks that are held or waited for, by mode.',
          good: 'mostly row and share locks, in step with calls. accessexclusivelock is a migration; it should be gone at once.',
          unit: UNIT.count,
          queries: [[`sum by (mode) (pg_locks_count{${CHOSEN},${OURS}}) > 0 or vector(0)`, '{{mode}}']],
        }),
        chart({
          title: 'Deadlocks',
          tells: 'Deadlocks a second.',
          good: '0, always: accounts are locked in one order.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('pg_stat_database_deadlocks', OURS)})`, 'deadlocks']],
          bad: { above: 0.001 },
        }),
        chart({
          title: 'Statements ended on replicas',
          tells: 'Statements a second that a replica ended because replaying could not wait.',
          good: '0 but for long reads: the caller is answered by the primary.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('pg_stat_database_conflicts', OURS)})`, 'ended']],
        }),
      ],
    },
    {
      title: 'Replicas and WAL',
      panels: [
        chart({
          title: 'Replicas that stream',
          tells: 'Replicas that receive WAL from the primary.',
          good: 'as many as were set up, 1 or more. 0 means that this machine’s disk is the only copy.',
          unit: UNIT.count,
          queries: [['count(ppuri_pg_standby_replay_lag_seconds) or vector(0)', 'replicas']],
          runbook: 'replica-detached',
        }),
        chart({
          title: 'Lag of replicas',
          tells: 'How far each replica is behind in time.',
          good: 'below 1 s; lists are read from the primary while it is above a few.',
          unit: UNIT.seconds,
          queries: [
            ['max by (application_name) (ppuri_pg_standby_replay_lag_seconds)', '{{application_name}}'],
          ],
          bad: { above: 30 },
          runbook: 'replica-lag',
          requires: 'a replica',
        }),
        chart({
          title: 'WAL that replicas have not replayed',
          tells: 'Bytes of WAL that each replica is behind.',
          good: 'below 16 MiB, a file of WAL.',
          unit: UNIT.bytes,
          queries: [
            ['max by (application_name) (ppuri_pg_standby_replay_lag_bytes)', '{{application_name}}'],
          ],
          bad: { above: 1e9 },
          runbook: 'replica-lag',
          requires: 'a replica',
        }),
        chart({
          title: 'Slots that fail',
          tells: 'Slots of replicas from which nobody streams, and slots that have lost WAL.',
          good: '0 of both. WAL stays on the disk of the primary for a slot without a replica.',
          unit: UNIT.count,
          queries: [
            ['count(ppuri_pg_slot_active == 0) or vector(0)', 'without a replica'],
            ['count(ppuri_pg_slot_lost == 1) or vector(0)', 'lost WAL'],
          ],
          bad: { above: 1 },
          runbook: 'replica-detached',
        }),
        chart({
          title: 'WAL kept for replicas',
          tells: 'Bytes of WAL that the primary keeps for slots of replicas.',
          good: 'below 1 GB. A replica that is away fills the disk up to max_slot_wal_keep_size.',
          unit: UNIT.bytes,
          queries: [['max(ppuri_pg_slot_retained_bytes) or vector(0)', 'bytes']],
          bad: { above: 10e9 },
          runbook: 'wal-retained',
        }),
        chart({
          title: 'WAL that is archived',
          tells: 'Files of WAL a second that were archived, and attempts that failed.',
          good: 'failed 0; archived in step with writes where an archive_command is set.',
          unit: UNIT.perSecond,
          queries: [
            [`sum(${rateOf('ppuri_pg_archiver_archived_count')})`, 'archived'],
            [`sum(${rateOf('ppuri_pg_archiver_failed_count')})`, 'failed'],
          ],
          runbook: 'wal-archive-failing',
        }),
      ],
    },
  ],
};
