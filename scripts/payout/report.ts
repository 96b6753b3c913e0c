// What is told of a payout in the end: complaints about the file, lines that were not paid, and the sum of it.
import { moneyText } from './check-rows.ts';
import type { Failure, Outcome } from './pay.ts';
import { shown } from './read-file.ts';
import type { Complaint } from './table.ts';

/** How the program ends. */
export const EXIT = {
  /** Every line is paid. */
  paid: 0,
  /** Nothing could be done, or it is not known how it ended. */
  failed: 1,
  /** It ran to its end, and some lines are not paid. */
  someFailed: 2,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

const MOST_COMPLAINTS = 20;

/** What is wrong with a file, one line each. */
export function complaintsText(name: string, complaints: readonly Complaint[]): string {
  const more = complaints.length - MOST_COMPLAINTS;
  return [
    ...complaints
      .slice(0, MOST_COMPLAINTS)
      .map(
        ({ line, column, words }) =>
          `${shown(name)}, line ${line}: ${column === undefined ? '' : `${column}: `}${words}`,
      ),
    ...(more > 0 ? [`and ${more.toLocaleString('en')} more`] : []),
    'Nothing was sent',
  ].join('\n');
}

/** A line that was not paid. */
export function failureText(name: string, { line, words }: Failure): string {
  return `${shown(name)}, line ${line}: ${words}`;
}

/** The sum of it, and the exit code that says the same. */
export function summaryOf({ standing, wasOver }: Outcome): {
  readonly text: string;
  readonly exitCode: number;
} {
  const { id, lineCount, paidCount, failedCount, paidAmount, currency, startedAt, endedAt } = standing;
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
    ...(failedCount > 0 ? [`${count(failedCount)} failed; mended, they go into a new file`] : []),
    ...(unpaid > 0 ? [`${count(unpaid)} were not paid, because the payout was cancelled`] : []),
    `payout ${id}`,
  ];
  return { text: lines.join('\n'), exitCode: paidCount === lineCount ? EXIT.paid : EXIT.someFailed };
}
