// The final report of a payout: problems of the file, lines that were not paid, and the summary.
import { moneyText } from './check-rows.ts';
import type { Failure, Outcome } from './pay.ts';
import type { Problem } from './read-file.ts';
import { shown } from './read-file.ts';

/** The exit codes. */
export const EXIT = {
  /** Every line is paid. */
  paid: 0,
  /** Nothing was done, or its result is unknown. */
  failed: 1,
  /** The payout ended, and some lines are not paid. */
  someFailed: 2,
  /** Ctrl-C, as shells report it. */
  interrupted: 130,
} as const;

const MAX_PROBLEMS = 20;

/** The problems of a file, one a line. */
export function problemsText(name: string, problems: readonly Problem[]): string {
  const more = problems.length - MAX_PROBLEMS;
  return [
    ...problems
      .slice(0, MAX_PROBLEMS)
      .map(
        ({ line, column, message }) =>
          `${shown(name)}, line ${line}: ${column === undefined ? '' : `${column}: `}${message}`,
      ),
    ...(more > 0 ? [`and ${more.toLocaleString('en')} more`] : []),
    'Nothing was sent',
  ].join('\n');
}

/** A line that was not paid. */
export function failureText(name: string, { line, message }: Failure): string {
  return `${shown(name)}, line ${line}: ${message}`;
}

/** The summary and its exit code. */
export function summaryOf({ status, wasOver }: Outcome): {
  readonly text: string;
  readonly exitCode: number;
} {
  const { id, lineCount, paidCount, failedCount, paidAmount, currency, startedAt, endedAt } = status;
  const count = (value: number) => value.toLocaleString('en');
  const seconds = startedAt && endedAt ? (endedAt.getTime() - startedAt.getTime()) / 1000 : 0;
  const speed = seconds >= 0.5 ? ` (${count(Math.round((paidCount + failedCount) / seconds))} lines/s)` : '';
  const unpaid = lineCount - paidCount - failedCount;
  const lines = [
    ...(wasOver && endedAt
      ? [
          `This was paid before, and ended at ${endedAt.toISOString()}; nothing was paid now. Once more: --key NAME`,
        ]
      : []),
    `${count(paidCount)} of ${count(lineCount)} lines paid, ${moneyText(currency, paidAmount)}, in ${seconds.toFixed(1)} s${speed}`,
    ...(failedCount > 0 ? [`${count(failedCount)} failed; put the corrected lines into a new file`] : []),
    ...(unpaid > 0 ? [`${count(unpaid)} were not paid, because the payout was cancelled`] : []),
    `payout ${id}`,
  ];
  return { text: lines.join('\n'), exitCode: paidCount === lineCount ? EXIT.paid : EXIT.someFailed };
}
