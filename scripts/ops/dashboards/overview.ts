// The first page to look at: calls by rate, errors and duration (RED), what carries them by use and saturation (USE).
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { CHOSEN, FIRING, percentilesOf, rateOf, shareOf } from './promql.ts';

/** Calls of the product; health checks and reflection are not among them. */
const CALLS = 'service=~"wallet.*|admin.*"';
/** Methods that answer with a stream. */
const STREAMS = 'service=~"wallet.*",method=~"Watch.*|Stream.*|Export.*"';
/** Refusals that are ours and not the caller's. */
const OURS = 'reason=~"INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED"';

/** The dashboard. */
export const OVERVIEW: DashboardSpec = {
  name: 'overview',
  title: 'overview',
  purpose:
    'Is the product well? Calls by rate, errors and duration; processes and machines by use and saturation.',
  instancesOf: 'nodejs_version_info',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Calls a second',
          tells: 'All calls of the services, over gRPC and REST.',
          good: 'about what it was a week ago at this time. A fall to 0 means that nobody reaches the servers: look at the edge.',
          unit: UNIT.calls,
          queries: [[`sum(${rateOf('ppuri_rpc_duration_seconds_count', CALLS)})`, 'calls']],
        }),
        stat({
          title: 'Calls without an answer',
          tells: 'The share of calls that ended with INTERNAL, UNAVAILABLE or DEADLINE_EXCEEDED.',
          good: 'below 0.1 %, and 0 most of the time.',
          unit: UNIT.share,
          queries: [
            [
              shareOf(
                `sum(${rateOf('ppuri_rpc_errors_total', OURS)})`,
                `sum(${rateOf('ppuri_rpc_duration_seconds_count', CALLS)})`,
              ),
              'share',
            ],
          ],
          bad: { above: 0.001 },
          runbook: 'money-error-budget-fast',
        }),
        stat({
          title: 'Servers that serve',
          tells: 'Servers whose Postgres answers.',
          good: 'as many as were deployed. One that is missing says NOT_SERVING to its health checks, or cannot be scraped.',
          unit: UNIT.count,
          queries: [[`sum(ppuri_dependency_available{${CHOSEN},dependency="postgres"})`, 'servers']],
          bad: { below: 1 },
          runbook: 'postgres-unavailable',
        }),
        stat({
          title: 'Faults in the books',
          tells: 'What did not agree when the ledger was last held against itself.',
          good: '0, always.',
          unit: UNIT.count,
          queries: [['max(ppuri_ledger_faults)', 'faults']],
          bad: { above: 1 },
          runbook: 'ledger-disagrees',
        }),
      ],
    },
    {
      title: 'Calls: rate, errors, duration',
      panels: [
        chart({
          title: 'Calls by method',
          tells: 'Calls a second of the ten methods that are called most.',
          good: 'the shape of yesterday. A method that jumps alone is a client that repeats itself.',
          unit: UNIT.calls,
          queries: [
            [
              `topk(10, sum by (service, method) (${rateOf('ppuri_rpc_duration_seconds_count', CALLS)}))`,
              '{{service}}/{{method}}',
            ],
          ],
        }),
        chart({
          title: 'Refusals by reason',
          tells: 'Answers a second that were not OK, by their reason, ours and the callers’.',
          good: 'few, and of kinds that callers cause (BALANCE_TOO_LOW, INVALID_FIELD). INTERNAL is a fault of ours, always.',
          unit: UNIT.perSecond,
          queries: [[`topk(10, sum by (reason) (${rateOf('ppuri_rpc_errors_total')}))`, '{{reason}}']],
          runbook: 'internal-errors',
        }),
        chart({
          title: 'Duration of calls',
          tells: 'Time from a call’s arrival to its status, of calls that were answered OK.',
          good: 'the median below 50 ms and the 99th percentile below 0.5 s.',
          unit: UNIT.seconds,
          queries: percentilesOf('ppuri_rpc_duration_seconds', [50, 90, 99], 'service=~"wallet.*",code="OK"'),
          bad: { above: 0.5 },
          runbook: 'calls-slow',
        }),
        chart({
          title: 'Calls under way',
          tells: 'Calls that have no status yet, by process. Open streams are among them.',
          good: 'level. It grows without end when answers come slower than calls.',
          unit: UNIT.count,
          queries: [[`sum by (instance) (ppuri_rpc_in_flight{${CHOSEN}})`, '{{instance}}']],
        }),
      ],
    },
    {
      title: 'Streams',
      panels: [
        chart({
          title: 'Open streams',
          tells: 'Streams that are open, by method.',
          good: 'the shape of yesterday. A fall to 0 with servers up is an edge that cuts them off; at a quarter of MAX_IN_FLIGHT a server refuses more.',
          unit: UNIT.count,
          queries: [[`sum by (method) (ppuri_rpc_in_flight{${STREAMS},${CHOSEN}})`, '{{method}}']],
          runbook: 'streams',
        }),
        chart({
          title: 'Messages of streams',
          tells: 'Messages a second that were sent over streams, by method; heartbeats are among them.',
          good: 'at least one each 15 s of each wallet that is watched. 0 with streams open: nothing is told.',
          unit: UNIT.perSecond,
          queries: [[`sum by (method) (${rateOf('ppuri_stream_messages_total', STREAMS)})`, '{{method}}']],
          runbook: 'streams',
        }),
      ],
    },
    {
      title: 'Alerts and targets',
      panels: [
        chart({
          title: 'Alerts that fire',
          tells: 'Alerts that fire, by name; Alertmanager has told somebody.',
          good: '0. Each has its runbook, which the alert links.',
          unit: UNIT.count,
          queries: [[`count by (alertname) (${FIRING}) or vector(0)`, '{{alertname}}']],
          bad: { above: 1 },
        }),
        chart({
          title: 'Targets that do not answer',
          tells: 'Processes that Prometheus cannot scrape, by job.',
          good: '0. What a silent target tells is missing on all dashboards, and alerts that rest on it cannot fire.',
          unit: UNIT.count,
          queries: [['count by (job) (up == 0) or vector(0)', '{{job}}']],
          bad: { above: 1 },
          runbook: 'exporter-down',
        }),
      ],
    },
    {
      title: 'Processes: use and saturation',
      panels: [
        chart({
          title: 'CPU of each process',
          tells: 'Cores that a process uses. JavaScript runs on one; garbage collection and I/O use others.',
          good: 'below 0.8. Start more processes before it stays above.',
          unit: UNIT.count,
          queries: [
            [
              `${rateOf('process_cpu_user_seconds_total')} + ${rateOf('process_cpu_system_seconds_total')}`,
              '{{instance}}',
            ],
          ],
          bad: { above: 0.8 },
        }),
        chart({
          title: 'Lag of the event loop',
          tells: 'The 99th percentile of how late timers fire between two readings; about 0.01 s at rest.',
          good: 'below 0.05 s. Above 0.1 s the process has more to do than one core can.',
          unit: UNIT.seconds,
          queries: [[`nodejs_eventloop_lag_p99_seconds{${CHOSEN}}`, '{{instance}}']],
          bad: { above: 0.1 },
          runbook: 'event-loop-late',
        }),
        chart({
          title: 'Heap of each process',
          tells: 'Bytes of JavaScript objects in use.',
          good: 'a saw that comes back to the same floor. A floor that rises for hours is a leak.',
          unit: UNIT.bytes,
          queries: [[`nodejs_heap_size_used_bytes{${CHOSEN}}`, '{{instance}}']],
        }),
        chart({
          title: 'Connections that are waited for',
          tells: 'Callers that need a connection to Postgres and have none, by pool.',
          good: '0. For minutes above 0: more connections, or a slow statement.',
          unit: UNIT.count,
          queries: [[`sum by (pool) (ppuri_pool_connections{${CHOSEN},state="waiting"})`, '{{pool}}']],
          bad: { above: 1 },
          runbook: 'pool-exhausted',
        }),
      ],
    },
    {
      title: 'Machines: use and saturation',
      panels: [
        chart({
          title: 'CPU of machines',
          tells: 'The share of all cores that is not idle, by machine.',
          good: 'below 80 %. Above, everything on it waits for its turn.',
          unit: UNIT.share,
          queries: [
            [
              '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
              '{{instance}}',
            ],
          ],
          bad: { above: 0.8 },
        }),
        chart({
          title: 'Memory of machines',
          tells: 'The share of memory that is not available to programs, by machine.',
          good: 'below 85 %.',
          unit: UNIT.share,
          queries: [['1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes', '{{instance}}']],
          bad: { above: 0.85 },
        }),
        chart({
          title: 'Disks that are full',
          tells: 'The share of each file system that is used.',
          good: 'below 80 %. At 100 % Postgres stops and the logs lose lines.',
          unit: UNIT.share,
          queries: [
            [
              '1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs"} / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|squashfs"}',
              '{{instance}} {{mountpoint}}',
            ],
          ],
          bad: { above: 0.8 },
          runbook: 'disk-full',
        }),
        chart({
          title: 'Disks that are busy',
          tells: 'The share of time in which a disk had something to do.',
          good: 'below 60 %. Commits wait for the disk of Postgres.',
          unit: UNIT.share,
          queries: [
            [
              'max by (instance, device) (rate(node_disk_io_time_seconds_total[$__rate_interval]))',
              '{{instance}} {{device}}',
            ],
          ],
          bad: { above: 0.6 },
        }),
      ],
    },
  ],
};
