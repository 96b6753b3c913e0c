// What nobody waits for at once: refunds of sprinkles, payouts, the outbox and the workers' jobs.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { percentilesOf, rateOf, shareOf } from './promql.ts';

/** The dashboard. */
export const JOBS_AND_PAYOUTS: DashboardSpec = {
  name: 'jobs-and-payouts',
  title: 'jobs and payouts',
  purpose: 'Is the work that follows from money done, and in time?',
  instancesOf: 'ppuri_job_seconds_count',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Oldest job that is due',
          tells: 'For how long a job whose time has come is not done; of several, the longest.',
          good: 'below 60 s. Above 300 s no worker runs, Redis is away, or the queue does not take it.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_outbox_oldest_due_seconds)', 'due']],
          bad: { above: 300 },
          runbook: 'outbox-overdue',
        }),
        stat({
          title: 'Dead letters',
          tells: 'Jobs that failed as often as they are tried, and wait for somebody.',
          good: '0. Find out why, and send them again.',
          unit: UNIT.count,
          queries: [['max(ppuri_dead_letters)', 'jobs']],
          bad: { above: 1 },
          runbook: 'dead-letters',
        }),
        stat({
          title: 'Refunds that are late',
          tells: 'How long ago the oldest sprinkle and the oldest hold ended whose rest is not paid back.',
          good: 'below 5 s, which is promised.',
          unit: UNIT.seconds,
          queries: [
            ['max(ppuri_refund_overdue_seconds)', 'sprinkles'],
            ['max(ppuri_hold_overdue_seconds)', 'holds'],
          ],
          bad: { above: 30 },
          runbook: 'refunds-late',
        }),
        stat({
          title: 'Payout that stands still',
          tells: 'For how long the payout that waits longest has paid no line.',
          good: '0 without payouts, below 60 s with them.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_payout_stalled_seconds)', 'still']],
          bad: { above: 60 },
          runbook: 'payouts-stalled',
        }),
        stat({
          title: 'Seal',
          tells:
            'For how long what happened has not been told: events, webhooks, streams and receipts wait for the seal.',
          good: 'below 0.5 s. Above 10 s no worker runs, or Postgres is slow.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_seal_lag_seconds)', 'lag']],
          bad: { above: 10 },
          runbook: 'seal-late',
        }),
        stat({
          title: 'Checkpoint',
          tells:
            'For how long a sealed transfer has been in no signed checkpoint, so that it has no receipt.',
          good: 'below 12 s. Above 300 s no worker signs.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_checkpoint_lag_seconds)', 'lag']],
          bad: { above: 300 },
          runbook: 'checkpoint-late',
        }),
        stat({
          title: 'Missing transfers',
          tells:
            'How often in an hour events were read of a transfer that neither the ledger nor the archive has.',
          good: '0. Anything else means that the database was changed behind the program.',
          unit: UNIT.count,
          queries: [['sum(increase(ppuri_missing_transfers_total[1h]))', 'reads']],
          bad: { above: 0 },
          runbook: 'transfers-missing',
        }),
      ],
    },
    {
      title: 'Webhooks',
      panels: [
        stat({
          title: 'Event that waits longest',
          tells: 'For how long an event that an active webhook has to send is not delivered.',
          good: 'below 1 s. More while a receiver is away; above an hour its owner has to know.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_webhook_oldest_undelivered_seconds)', 'oldest']],
          bad: { above: 3600 },
          runbook: 'webhooks-undelivered',
        }),
        chart({
          title: 'Attempts to deliver',
          tells: 'Attempts a second, by how they ended.',
          good: 'nearly all delivered. One receiver that is away shows as rejected, timed_out or unreachable.',
          unit: UNIT.perSecond,
          queries: [[`sum by (outcome) (${rateOf('ppuri_webhook_attempt_seconds_count')})`, '{{outcome}}']],
        }),
        chart({
          title: 'Webhooks',
          tells: 'How many send, and how many are paused.',
          good: 'what their owners set up; a paused one waits for its owner.',
          unit: UNIT.count,
          queries: [
            ['max(ppuri_webhooks_active)', 'active'],
            ['max(ppuri_webhooks_paused)', 'paused'],
          ],
        }),
        stat({
          title: 'Events left out, last day',
          tells:
            'Events that a webhook came to when they were kept no longer, those of types that it does not send counted in.',
          good: '0. More where a webhook was paused for more than 30 days; its owner compares.',
          unit: UNIT.count,
          queries: [['sum(increase(ppuri_webhook_expired_events_total[1d]))', 'events']],
        }),
      ],
    },
    {
      title: 'Kafka',
      panels: [
        stat({
          title: 'Lag of Kafka',
          tells: 'For how long an event that Kafka has not acknowledged could have been sent.',
          good: 'below 1 s. Above 300 s brokers are away, or they refuse.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_kafka_lag_seconds)', 'lag']],
          bad: { above: 300 },
          runbook: 'kafka-late',
          requires: 'a worker with KAFKA_BROKERS',
        }),
        chart({
          title: 'Events sent to Kafka',
          tells:
            'Events a second that Kafka has acknowledged, and attempts a second that failed and are repeated.',
          good: 'as many as there are transfers and other events. Failures while a broker is replaced.',
          unit: UNIT.perSecond,
          queries: [
            [`sum(${rateOf('ppuri_kafka_events_sent_total')})`, 'acknowledged'],
            [`sum(${rateOf('ppuri_kafka_failures_total')})`, 'failures'],
          ],
          requires: 'a worker with KAFKA_BROKERS',
        }),
      ],
    },
    {
      title: 'Jobs',
      panels: [
        chart({
          title: 'Runs of jobs',
          tells: 'Runs a second, by job.',
          good: 'expire-sprinkles at 1 for all workers together; the others by their hours.',
          unit: UNIT.perSecond,
          queries: [[`sum by (job_name) (${rateOf('ppuri_job_seconds_count')})`, '{{job_name}}']],
          runbook: 'worker-stalled',
        }),
        chart({
          title: 'Runs that failed',
          tells: 'Runs a second that failed, by job; each is tried again.',
          good: '0. Some while Postgres or Redis is away.',
          unit: UNIT.perSecond,
          queries: [
            [
              `sum by (job_name) (${rateOf('ppuri_job_seconds_count', 'outcome="failed"')}) or vector(0)`,
              '{{job_name}}',
            ],
          ],
          bad: { above: 0.01 },
          runbook: 'dead-letters',
        }),
        chart({
          title: 'Jobs that failed for good',
          tells: 'Jobs a second that became dead letters, by job.',
          good: '0. Each waits for somebody.',
          unit: UNIT.perSecond,
          queries: [
            [`sum by (job_name) (${rateOf('ppuri_job_dead_letters_total')}) or vector(0)`, '{{job_name}}'],
          ],
          bad: { above: 0.001 },
          runbook: 'dead-letters',
        }),
        chart({
          title: 'Time of a run',
          tells: 'The mean time of runs that were done, by job.',
          good: 'below 1 s for expire-sprinkles. reconcile-ledger and archive-transfers may take minutes.',
          unit: UNIT.seconds,
          queries: [
            [
              shareOf(
                `sum by (job_name) (${rateOf('ppuri_job_seconds_sum', 'outcome="done"')})`,
                `sum by (job_name) (${rateOf('ppuri_job_seconds_count', 'outcome="done"')})`,
              ),
              '{{job_name}}',
            ],
          ],
        }),
        chart({
          title: 'Last reconciliation',
          tells: 'How long ago the ledger was last held against itself.',
          good: 'a saw of one tooth a day, below 26 hours.',
          unit: UNIT.duration,
          queries: [['max(ppuri_reconciliation_age_seconds)', 'ago']],
          bad: { above: 26 * 3600 },
          runbook: 'reconciliation-overdue',
        }),
        chart({
          title: 'Workers',
          tells: 'Workers whose ops port answers.',
          good: '1 or more: with none refunds and payouts wait.',
          unit: UNIT.count,
          queries: [['sum(up{job="ppuri",process="worker"})', 'workers']],
          bad: { below: 1 },
          runbook: 'worker-missing',
        }),
        chart({
          title: 'Outbox',
          tells: 'Rows a second that went from the outbox to the queue.',
          good: 'in step with payouts. 0 with a job that is due means that the queue does not take it.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('ppuri_outbox_relayed_total')})`, 'relayed']],
          runbook: 'outbox-overdue',
        }),
      ],
    },
    {
      title: 'Sprinkles and holds',
      panels: [
        chart({
          title: 'Refunds',
          tells: 'Sprinkles and holds a second whose rest was paid back when their time was over.',
          good: 'about as many as end with something left.',
          unit: UNIT.perSecond,
          queries: [[`sum by (kind) (${rateOf('ppuri_refunds_total')})`, '{{kind}}']],
        }),
        chart({
          title: 'Lag of refunds',
          tells: 'How late the latest refund of a run was.',
          good: 'below 5 s, which is promised.',
          unit: UNIT.seconds,
          queries: percentilesOf('ppuri_refund_lag_seconds', [50, 99]),
          bad: { above: 5 },
          runbook: 'refunds-late',
        }),
      ],
    },
    {
      title: 'Payouts',
      panels: [
        chart({
          title: 'Payouts that run',
          tells: 'Payouts that are started and not over.',
          good: 'at most 4 for each worker; more wait for their turn.',
          unit: UNIT.count,
          queries: [['max(ppuri_payouts_running)', 'running']],
        }),
        chart({
          title: 'Lines that are left',
          tells: 'Lines of running payouts that are neither paid nor failed.',
          good: 'it falls to 0 in a straight line. How fast it falls is how fast lines are paid.',
          unit: UNIT.count,
          queries: [['max(ppuri_payout_lines_left)', 'lines']],
          runbook: 'payouts-stalled',
        }),
        chart({
          title: 'Age of the oldest payout',
          tells: 'How long ago the oldest running payout was started.',
          good: 'minutes: a payout of 100,000 lines takes about 1 to 2.',
          unit: UNIT.seconds,
          queries: [['max(ppuri_payout_oldest_seconds)', 'oldest']],
        }),
        chart({
          title: 'Connections of workers',
          tells: 'Callers that wait for a connection to Postgres, by pool of the workers.',
          good: '0.',
          unit: UNIT.count,
          queries: [
            [
              'sum by (pool) (ppuri_pool_connections{instance=~"$instance",process="worker",state="waiting"})',
              '{{pool}}',
            ],
          ],
          bad: { above: 1 },
          runbook: 'pool-exhausted',
        }),
      ],
    },
  ],
};
