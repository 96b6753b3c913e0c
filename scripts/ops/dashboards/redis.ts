// Redis as its exporter sees it: memory, commands, connections, and whether it can save its data.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { CHOSEN, rateOf, shareOf } from './promql.ts';

/** The dashboard. */
export const REDIS: DashboardSpec = {
  name: 'redis',
  title: 'Redis',
  purpose:
    'Does Redis answer, fast, and with room to spare? Money is right without it; limits, cache and jobs need it.',
  instancesOf: 'redis_up',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Redis answers',
          tells: 'Whether the exporter reaches Redis: 1 or 0, the least of all.',
          good: '1.',
          unit: UNIT.count,
          queries: [[`min(redis_up{${CHOSEN}})`, 'up']],
          bad: { below: 1 },
          runbook: 'redis-down',
        }),
        stat({
          title: 'Memory in use',
          tells: 'Bytes that Redis has allocated.',
          good: 'below 85 % of maxmemory: with noeviction it refuses writes when it is full.',
          unit: UNIT.bytes,
          queries: [[`sum(redis_memory_used_bytes{${CHOSEN}})`, 'bytes']],
          runbook: 'redis-memory',
        }),
        stat({
          title: 'Keys that were evicted',
          tells: 'Keys a second that Redis dropped for want of memory.',
          good: '0, always. Jobs and nonces are among the keys: maxmemory-policy has to be noeviction.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('redis_evicted_keys_total')})`, 'keys']],
          bad: { above: 0.001 },
          runbook: 'redis-memory',
        }),
        stat({
          title: 'Last save',
          tells: 'Whether the last snapshot and the last write of the append-only file went well: 1 or 0.',
          good: '1. Otherwise jobs of the last seconds are lost with the process; the outbox brings them back.',
          unit: UNIT.count,
          queries: [
            [
              `min(redis_rdb_last_bgsave_status{${CHOSEN}}) * min(redis_aof_last_write_status{${CHOSEN}})`,
              'saved',
            ],
          ],
          bad: { below: 1 },
        }),
      ],
    },
    {
      title: 'Commands',
      panels: [
        chart({
          title: 'Commands a second',
          tells: 'Commands by name, the ten that are called most; commands of scripts are counted too.',
          good: 'in step with calls: about one script for a signed call.',
          unit: UNIT.perSecond,
          queries: [[`topk(10, sum by (cmd) (${rateOf('redis_commands_total')}))`, '{{cmd}}']],
        }),
        chart({
          title: 'Time of a command',
          tells: 'The mean time within Redis of the ten commands that take most time in all.',
          good: 'below 0.1 ms. Redis runs one at a time: a slow one makes all others wait.',
          unit: UNIT.seconds,
          queries: [
            [
              `topk(10, ${shareOf(
                `sum by (cmd) (${rateOf('redis_commands_duration_seconds_total')})`,
                `sum by (cmd) (${rateOf('redis_commands_total')})`,
              )})`,
              '{{cmd}}',
            ],
          ],
        }),
        chart({
          title: 'CPU of Redis',
          tells: 'Cores that Redis uses; commands run on one.',
          good: 'below 0.7. Above, a second Redis for the queue, or a cluster.',
          unit: UNIT.count,
          queries: [
            [
              `${rateOf('redis_cpu_user_seconds_total')} + ${rateOf('redis_cpu_sys_seconds_total')}`,
              '{{instance}}',
            ],
          ],
          bad: { above: 0.7 },
        }),
        chart({
          title: 'Errors',
          tells: 'Commands a second that were refused or failed.',
          good: '0. Scripts that are sent again after a restart of Redis show once.',
          unit: UNIT.perSecond,
          queries: [
            [`sum(${rateOf('redis_commands_failed_calls_total')})`, 'failed'],
            [`sum(${rateOf('redis_commands_rejected_calls_total')})`, 'refused'],
          ],
        }),
      ],
    },
    {
      title: 'Memory and keys',
      panels: [
        chart({
          title: 'Memory',
          tells: 'Bytes that Redis has allocated, and bytes that the machine gave it.',
          good: 'level in use, and the machine’s at most 1.5 times as much once it is above 100 MB.',
          unit: UNIT.bytes,
          queries: [
            [`redis_memory_used_bytes{${CHOSEN}}`, '{{instance}} in use'],
            [`redis_memory_used_rss_bytes{${CHOSEN}}`, '{{instance}} of the machine'],
          ],
          runbook: 'redis-memory',
        }),
        chart({
          title: 'Keys',
          tells: 'Keys, and keys that have an end.',
          good: 'level. Keys without an end are the queue’s; they grow when no worker runs.',
          unit: UNIT.count,
          queries: [
            [`sum(redis_db_keys{${CHOSEN}})`, 'keys'],
            [`sum(redis_db_keys_expiring{${CHOSEN}})`, 'with an end'],
          ],
        }),
        chart({
          title: 'Lookups that found a key',
          tells: 'The share of lookups whose key was there.',
          good: 'steady, about 50 % or more; nonces and limits of new callers are misses, too.',
          unit: UNIT.share,
          queries: [
            [
              shareOf(
                `sum(${rateOf('redis_keyspace_hits_total')})`,
                `(sum(${rateOf('redis_keyspace_hits_total')}) + sum(${rateOf('redis_keyspace_misses_total')}))`,
              ),
              'found',
            ],
          ],
        }),
        chart({
          title: 'Keys that ended',
          tells: 'Keys a second that were deleted at their end.',
          good: 'in step with calls: each nonce ends after about two minutes.',
          unit: UNIT.perSecond,
          queries: [[`sum(${rateOf('redis_expired_keys_total')})`, 'keys']],
        }),
      ],
    },
    {
      title: 'Connections',
      panels: [
        chart({
          title: 'Clients',
          tells: 'Connections to Redis, and those that wait for a job.',
          good: 'level: a few for each process. It grows when processes do not give up dead ones.',
          unit: UNIT.count,
          queries: [
            [`sum(redis_connected_clients{${CHOSEN}})`, 'connected'],
            [`sum(redis_blocked_clients{${CHOSEN}})`, 'waiting for a job'],
          ],
        }),
        chart({
          title: 'Network',
          tells: 'Bytes a second that Redis received and sent.',
          good: 'in step with calls, and far below what the network carries.',
          unit: UNIT.bytesPerSecond,
          queries: [
            [`sum(${rateOf('redis_net_input_bytes_total')})`, 'received'],
            [`sum(${rateOf('redis_net_output_bytes_total')})`, 'sent'],
          ],
        }),
      ],
    },
  ],
};
