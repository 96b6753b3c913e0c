// The ledger: what waits for a batch, how large and how slow batches are, and whether the books agree.
import type { DashboardSpec } from './dashboard.ts';
import { chart, stat, UNIT } from './panel.ts';
import { CHOSEN, percentilesOf, rateOf, shareOf } from './promql.ts';

/** Calls that move money, of both versions. */
const MONEY =
  'method=~"Charge|Transfer|CreateTransfer|BatchCreateTransfers|Deposit|Withdraw|CreateSprinkle|ClaimSprinkle"';

/** The dashboard. */
export const LEDGER: DashboardSpec = {
  name: 'ledger',
  title: 'ledger',
  purpose: 'Does money move, how fast, and what does it wait for?',
  instancesOf: 'ppuri_ledger_queue_length',
  rows: [
    {
      title: 'At a glance',
      panels: [
        stat({
          title: 'Money calls a second',
          tells: 'Calls that move money and were answered OK; a batch of transfers is one call.',
          good: 'about what it was a week ago at this time.',
          unit: UNIT.calls,
          queries: [[`sum(${rateOf('ppuri_rpc_duration_seconds_count', `code="OK",${MONEY}`)})`, 'calls']],
        }),
        stat({
          title: 'Faults in the books',
          tells: 'What did not agree when a worker last held the ledger against itself.',
          good: '0, always. Otherwise nothing else is as urgent.',
          unit: UNIT.count,
          queries: [['max(ppuri_ledger_faults)', 'faults']],
          bad: { above: 1 },
          runbook: 'ledger-disagrees',
        }),
        stat({
          title: 'Calls that wait',
          tells: 'Calls that wait for a batch, or for rows that others have locked.',
          good: 'above 0 under load is normal, growing is not.',
          unit: UNIT.count,
          queries: [[`sum(ppuri_ledger_queue_length{${CHOSEN}})`, 'calls']],
        }),
        stat({
          title: 'Months with a partition',
          tells: 'Months that have a partition for their transfers, this month the first.',
          good: '2 or more; 13 after each run of partitions-ahead. At 0 no money can move.',
          unit: UNIT.count,
          queries: [['min(ppuri_transfer_partition_months)', 'months']],
          bad: { below: 2 },
          runbook: 'partitions-missing',
        }),
      ],
    },
    {
      title: 'Time',
      panels: [
        chart({
          title: 'Wait for a batch',
          tells: 'How long calls waited before their batch began: what overload adds to each call.',
          good: 'the 99th percentile below 0.25 s. Above it, with batches at LEDGER_MAX_BATCH: more processes.',
          unit: UNIT.seconds,
          queries: percentilesOf('ppuri_ledger_wait_seconds', [50, 90, 99]),
          bad: { above: 0.25 },
          runbook: 'ledger-wait',
        }),
        chart({
          title: 'Batches',
          tells: 'A batch from its first statement to its last answer, with all attempts.',
          good: 'the 99th percentile below 0.1 s.',
          unit: UNIT.seconds,
          queries: percentilesOf('ppuri_ledger_batch_seconds', [50, 90, 99]),
          bad: { above: 0.1 },
        }),
        chart({
          title: 'Commits',
          tells: 'COMMIT alone: the disk of Postgres, and its synchronous standbys.',
          good: 'the 90th percentile below 0.05 s. Everything waits for commits.',
          unit: UNIT.seconds,
          queries: percentilesOf('ppuri_ledger_commit_seconds', [50, 90, 99]),
          bad: { above: 0.05 },
          runbook: 'commits-slow',
        }),
        chart({
          title: 'Queue of each process',
          tells: 'Calls that wait for a batch, by process.',
          good: 'the same in all processes. One that stands out is slow itself, or gets more than its share.',
          unit: UNIT.count,
          queries: [[`ppuri_ledger_queue_length{${CHOSEN}}`, '{{instance}}']],
        }),
      ],
    },
    {
      title: 'Batches',
      panels: [
        chart({
          title: 'Calls in a batch',
          tells: 'Calls that shared a transaction.',
          good: 'it grows with the load by itself. At LEDGER_MAX_BATCH for long the process cannot take more.',
          unit: UNIT.count,
          queries: [
            ...percentilesOf('ppuri_ledger_batch_size', [90, 99]),
            [
              shareOf(
                `sum(${rateOf('ppuri_ledger_batch_size_sum')})`,
                `sum(${rateOf('ppuri_ledger_batch_size_count')})`,
              ),
              'mean',
            ],
          ],
        }),
        chart({
          title: 'Transactions a second',
          tells: 'Batches that were run, and the calls in them.',
          good: 'calls well above batches under load: that is what batching saves.',
          unit: UNIT.perSecond,
          queries: [
            [`sum(${rateOf('ppuri_ledger_batch_size_count')})`, 'batches'],
            [`sum(${rateOf('ppuri_ledger_batch_size_sum')})`, 'calls'],
          ],
        }),
        chart({
          title: 'Conflicts',
          tells: 'Batches that met another one, by outcome.',
          good: 'given_up 0; those calls were refused with CONFLICT. Some retried ones are normal with several processes.',
          unit: UNIT.perSecond,
          queries: [[`sum by (outcome) (${rateOf('ppuri_ledger_conflicts_total')})`, '{{outcome}}']],
          runbook: 'ledger-conflicts',
        }),
        chart({
          title: 'Connections of the ledger',
          tells: 'Connections of the ledger’s pool by state, over all processes.',
          good: 'waiting 0, and idle above 0 most of the time.',
          unit: UNIT.count,
          queries: [[`sum by (state) (ppuri_pool_connections{${CHOSEN},pool="ledger"})`, '{{state}}']],
          runbook: 'pool-exhausted',
        }),
      ],
    },
    {
      title: 'Why money did not move',
      panels: [
        chart({
          title: 'Refused by the rules of money',
          tells: 'Refusals of the ledger: code ERR006, the state of wallets, sprinkles and payouts.',
          good: 'they are the callers’; a jump of one reason is a change in a client or a promotion that has run out.',
          unit: UNIT.perSecond,
          queries: [
            [`topk(8, sum by (reason) (${rateOf('ppuri_rpc_errors_total', 'code="ERR006"')}))`, '{{reason}}'],
          ],
        }),
        chart({
          title: 'Not answered',
          tells: 'Money or not, calls that ended without an answer, by reason.',
          good: '0. A client repeats them under the same idempotency key and gets the answer that was kept.',
          unit: UNIT.perSecond,
          queries: [
            [
              `sum by (reason) (${rateOf('ppuri_rpc_errors_total', 'reason=~"INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED|CONFLICT"')})`,
              '{{reason}}',
            ],
          ],
          bad: { above: 0.01 },
          runbook: 'money-error-budget-slow',
        }),
      ],
    },
  ],
};
