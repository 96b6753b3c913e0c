// What Redis saves Postgres, what happens without it, and which callers are slowed down.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { CHOSEN, percentilesOf, rateOf, shareOf } from './promql.ts';

/** Reads that could have been answered by the cache, trusted or not. */
const READS = 'ppuri_cache_reads_total';

/** The dashboard. */
export const CACHE_AND_LIMITS: DashboardSpec = {
  name: 'cache-and-limits',
  title: 'cache and limits',
  purpose: 'Does the cache answer, do limits hold, and do breakers stand open?',
  instancesOf: 'ppuri_limiter_decisions_total',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Reads from the cache',
          tells: 'The share of reads that the cache answered.',
          good: 'above 80 % in use, by the mix of reads. What is missing, Postgres answers: right, and slower.',
          unit: UNIT.share,
          queries: [[shareOf(`sum(${rateOf(READS, 'result="hit"')})`, `sum(${rateOf(READS)})`), 'hits']],
        }),
        stat({
          title: 'Servers that trust the cache',
          tells: 'The share of servers that read cache entries at all.',
          good: '100 %. Less for seconds after Redis was away; for minutes see the runbook.',
          unit: UNIT.share,
          queries: [[`avg(ppuri_cache_trusted{${CHOSEN},process!="worker"})`, 'servers']],
          bad: { below: 1 },
          runbook: 'cache-not-trusted',
        }),
        stat({
          title: 'Breakers that stand open',
          tells: 'Breakers that let no calls through to Redis, or to the read replica, over all processes.',
          good: '0. Calls go on without what stands behind the breaker.',
          unit: UNIT.count,
          queries: [[`sum(ppuri_breaker_state{${CHOSEN},state="open"})`, 'breakers']],
          bad: { above: 1 },
          runbook: 'breaker-open',
        }),
        stat({
          title: 'Calls over a limit',
          tells: 'The share of signed calls that a limit refused.',
          good: 'below 1 %. More is a caller in a loop, or a limit that is too tight for an honest one.',
          unit: UNIT.share,
          queries: [
            [
              shareOf(
                `(sum(${rateOf('ppuri_limiter_decisions_total', 'outcome="limited"')}) or vector(0))`,
                `sum(${rateOf('ppuri_limiter_decisions_total')})`,
              ),
              'calls',
            ],
          ],
          bad: { above: 0.01 },
        }),
      ],
    },
    {
      title: 'Cache',
      panels: [
        chart({
          title: 'Reads by result',
          tells:
            'Reads a second: hit, miss, contended (a commit or another reader is at it), corrupt, bypass (not trusted).',
          good: 'mostly hit, and corrupt 0: otherwise somebody else writes into this Redis.',
          unit: UNIT.perSecond,
          queries: [[`sum by (result) (${rateOf(READS)})`, '{{result}}']],
          runbook: 'cache-corrupt',
        }),
        chart({
          title: 'Hits by kind',
          tells: 'The share of reads that the cache answered, by what is cached.',
          good: 'steady for each kind, about 80 % or more. A kind that falls alone is written more often than it is read.',
          unit: UNIT.share,
          queries: [
            [
              shareOf(`sum by (kind) (${rateOf(READS, 'result="hit"')})`, `sum by (kind) (${rateOf(READS)})`),
              '{{kind}}',
            ],
          ],
        }),
        chart({
          title: 'Age of entries',
          tells: 'How long ago the entries that answered were written.',
          good: 'any age: entries are right at any age. Below 1 s at the median the cache saves little.',
          unit: UNIT.seconds,
          queries: percentilesOf('ppuri_cache_entry_age_seconds', [50, 90, 99]),
        }),
        chart({
          title: 'Connections to Redis',
          tells: 'Whether commands can be sent, by process: 1 or 0.',
          good: '1 for every process.',
          unit: UNIT.count,
          queries: [[`ppuri_redis_connected{${CHOSEN}}`, '{{instance}} {{connection}}']],
          bad: { below: 1 },
          runbook: 'redis-down',
        }),
      ],
    },
    {
      title: 'Breakers',
      panels: [
        chart({
          title: 'Calls through breakers',
          tells: 'Calls of the last second through each breaker.',
          good: 'in step with the calls of the product.',
          unit: UNIT.perSecond,
          queries: [[`sum by (breaker) (ppuri_breaker_calls{${CHOSEN},result="all"})`, '{{breaker}}']],
        }),
        chart({
          title: 'Calls that breakers lost',
          tells:
            'Calls of the last second that failed, were rejected by an open breaker, or found too many under way.',
          good: '0. Failures below half of the calls do not open a breaker, and cost a timeout each.',
          unit: UNIT.perSecond,
          queries: [
            [
              `sum by (breaker, result) (ppuri_breaker_calls{${CHOSEN},result!="all"})`,
              '{{breaker}} {{result}}',
            ],
          ],
          bad: { above: 1 },
        }),
      ],
    },
    {
      title: 'Limits',
      panels: [
        chart({
          title: 'Decisions of the limiter',
          tells: 'Signed calls a second: admitted, limited, or replayed (a nonce that was seen before).',
          good: 'nearly all admitted; replayed about 0, or somebody sends recorded calls again.',
          unit: UNIT.calls,
          queries: [[`sum by (outcome) (${rateOf('ppuri_limiter_decisions_total')})`, '{{outcome}}']],
        }),
        chart({
          title: 'Refusals by limit',
          tells:
            'Calls a second that a limit refused, by which: of the key, the user, the address, guesses of tokens.',
          good: '0 most of the time. One limit alone is one caller; `token` is somebody who guesses.',
          unit: UNIT.calls,
          queries: [
            [
              `sum by (limit) (${rateOf('ppuri_limiter_decisions_total', 'outcome="limited"')}) or vector(0)`,
              '{{limit}}',
            ],
          ],
          runbook: 'tokens-guessed',
        }),
        chart({
          title: 'Where limits are decided',
          tells:
            'Decisions by who took them: redis, memory (this process knew enough to refuse), process (Redis did not answer).',
          good: 'process 0. Otherwise limits hold for each process and no longer for all together.',
          unit: UNIT.calls,
          queries: [[`sum by (by) (${rateOf('ppuri_limiter_decisions_total')})`, '{{by}}']],
          runbook: 'limits-not-shared',
        }),
        chart({
          title: 'Limited at the edge',
          tells:
            'Requests that the edge let through and refused by its limit for each address, before a server saw them.',
          good: 'refused 0 most of the time. A flood is refused here and costs the servers nothing.',
          unit: UNIT.calls,
          queries: [
            ['sum(rate(envoy_http_local_rate_limit_ok[$__rate_interval])) or vector(0)', 'let through'],
            ['sum(rate(envoy_http_local_rate_limit_rate_limited[$__rate_interval])) or vector(0)', 'refused'],
          ],
        }),
      ],
    },
  ],
};
