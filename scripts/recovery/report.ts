// The report of a restore, for people.
import type { RestoreReport } from './restore.ts';

/** How many undone transfers are shown one by one; --json has all. */
const SHOWN = 20;

/** The report as text, of a restore into a folder or into a database. */
export function reportText(report: RestoreReport, isDatabase: boolean): string {
  const { epochs, undone } = report;
  const shown = undone.transfers.slice(0, SHOWN);
  return [
    `Restored ${report.into} in ${report.seconds} s; its last commit is of ${report.lastCommitAt ?? 'before the backup'}`,
    ...report.steps.map(({ name, seconds }) => `  ${name.padEnd(24)} ${seconds.toFixed(1)} s`),
    ...report.ledgers.map(({ database, transfers, faults }) =>
      faults.length === 0
        ? `The books of ${database} are right: ${transfers.toLocaleString('en')} transfers`
        : `THE BOOKS OF ${database} ARE WRONG:\n${faults.map((fault) => `  ${JSON.stringify(fault)}`).join('\n')}`,
    ),
    `Moved on: the cache, ${epochs.jobs} jobs queued again, ${epochs.revokedKeys.length} API keys revoked again${epochs.revokedKeys.map((id) => ` ${id}`).join('')}`,
    `Undone: ${undone.transactions} transactions in the WAL, ${undone.transfers.length} transfers${undone.limits && ` (${undone.limits})`}`,
    ...shown.map(
      ({ transferId, kind, amount, currency, debitAccountId, creditAccountId, postedAt, knownFrom }) =>
        `  ${postedAt} ${transferId} ${kind} ${amount} ${currency} from ${debitAccountId} to ${creditAccountId} (${knownFrom})`,
    ),
    ...(undone.transfers.length > SHOWN
      ? [`  and ${undone.transfers.length - SHOWN} more (--json has all)`]
      : []),
    isDatabase
      ? 'Run `npm run migrate` on it, so that servers and workers may log in, and back its cluster up.'
      : 'Start Postgres on it with the settings of the cluster, then the servers and workers. It archives on a timeline of its own.',
  ].join('\n');
}
