// Whether what all dashboards are drawn from is whole: logs, traces, Prometheus and Alertmanager.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { CHOSEN, countedOrZero, rateOf } from './promql.ts';

/** The dashboard. */
export const TELEMETRY: DashboardSpec = {
  name: 'telemetry',
  title: 'telemetry',
  purpose: 'Are logs, traces, metrics and alerts themselves whole? Calls go on without them.',
  instancesOf: 'ppuri_log_lines_total',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Targets that answer',
          tells: 'The share of what Prometheus scrapes that answers.',
          good: '100 %.',
          unit: UNIT.share,
          queries: [['avg(up)', 'targets']],
          bad: { below: 1 },
          runbook: 'exporter-down',
        }),
        stat({
          title: 'Lines of logs that were lost',
          tells: 'Lines a second that were given up, because 8 MiB of them waited for the disk.',
          good: '0, always.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('ppuri_log_lost_lines_total')})`, 'lines']],
          bad: { above: 0.001 },
          runbook: 'logs-not-written',
        }),
        stat({
          title: 'Alerts that did not get out',
          tells: 'Alerts a second that did not reach Alertmanager, or a receiver of it.',
          good: '0, always: otherwise nobody is woken.',
          unit: UNIT.perSecond,
          queries: [
            [
              'sum(rate(prometheus_notifications_errors_total[$__rate_interval])) + sum(rate(alertmanager_notifications_failed_total[$__rate_interval]))',
              'alerts',
            ],
          ],
          bad: { above: 0.001 },
          runbook: 'alerts-not-sent',
        }),
        stat({
          title: 'Rules that failed',
          tells: 'Rules a second that Prometheus could not evaluate.',
          good: '0, always.',
          unit: UNIT.perSecond,
          queries: [['sum(rate(prometheus_rule_evaluation_failures_total[$__rate_interval]))', 'rules']],
          bad: { above: 0.001 },
        }),
      ],
    },
    {
      title: 'Logs',
      panels: [
        chart({
          title: 'Lines of logs',
          tells: 'Lines a second that were written, by log.',
          good: 'transactions in step with money calls; app a few a minute, or something is wrong and says so.',
          unit: UNIT.perSecond,
          queries: [[`sum by (log) (${rateOf('ppuri_log_lines_total')})`, '{{log}}']],
        }),
        chart({
          title: 'Attempts to write that failed',
          tells: 'Attempts a second to write lines that failed, by log.',
          good: '0; 5 while a disk is full. Lines wait in memory meanwhile.',
          unit: UNIT.perSecond,
          queries: [[`sum by (log) (${rateOf('ppuri_log_write_failures_total')})`, '{{log}}']],
          bad: { above: 0.001 },
          runbook: 'logs-not-written',
        }),
        chart({
          title: 'Age of the newest line in the log store',
          tells: 'How long ago the newest line of the log probe was written that the store has, by machine.',
          good: 'up to 120 s, for the probe writes and asks once a minute. Above 300 s the store or the shipper is away or slow.',
          unit: UNIT.duration,
          queries: [['time() - ppuri_logs_shipped_timestamp_seconds', '{{instance}}']],
          bad: { above: 300 },
          runbook: 'logs-not-shipped',
          requires: 'the log probe',
        }),
      ],
    },
    {
      title: 'Traces',
      panels: [
        chart({
          title: 'Spans',
          tells: 'Spans a second that the collector took; 0 where no collector is given.',
          good: 'in step with the calls that are sampled.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('ppuri_trace_spans_exported_total')})`, 'spans']],
        }),
        chart({
          title: 'Spans that were lost',
          tells:
            'Spans a second that were lost, because the collector is slow or away, or did not take them in time.',
          good: 'about 0. No call waits for spans.',
          unit: UNIT.perSecond,
          queries: [[countedOrZero(`sum(${rateOf('ppuri_trace_spans_dropped_total')})`), 'spans']],
          bad: { above: 1 },
        }),
      ],
    },
    {
      title: 'Prometheus',
      panels: [
        chart({
          title: 'Time of a scrape',
          tells: 'How long Prometheus waits for a page of metrics, by job, the longest.',
          good: 'below 0.5 s. At 5 s, the timeout, the target counts as down.',
          unit: UNIT.seconds,
          queries: [['max by (job) (scrape_duration_seconds)', '{{job}}']],
          bad: { above: 0.5 },
        }),
        chart({
          title: 'Series of ppuri',
          tells: 'Series on the page of each process.',
          good: 'level, below 5,000: labels hold nothing that callers choose.',
          unit: UNIT.count,
          queries: [[`scrape_samples_scraped{${CHOSEN}}`, '{{instance}}']],
          bad: { above: 5_000 },
        }),
      ],
    },
  ],
};
