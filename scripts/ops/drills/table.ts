// The reports of many drills as a table in Markdown.
import type { DrillReport } from './drill.ts';

/** A drill, and whether its promise was kept. */
export interface JudgedDrill {
  readonly report: DrillReport;
  readonly isKept: boolean;
  /** The machine's load when it ended, averaged over a minute. */
  readonly load: number;
}

const COLUMNS: Readonly<Record<string, (drill: JudgedDrill) => string>> = {
  seed: ({ report }) => String(report.seed),
  damage: ({ report }) => report.damage ?? '',
  'RTO, s': ({ report }) => report.rtoSeconds.toFixed(1),
  'slowest caller, s': ({ report }) => report.slowestCallerSeconds?.toFixed(1) ?? '',
  'RPO, s': ({ report }) => report.rpoSeconds.toFixed(1),
  acknowledged: ({ report }) => String(report.acknowledged),
  lost: ({ report }) => String(report.lost),
  doubled: ({ report }) => String(report.doubled),
  'stale reads': ({ report }) => String(report.stale),
  books: ({ report }) => (report.booksOk ? 'right' : 'WRONG'),
  load: ({ load }) => load.toFixed(0),
  promise: ({ isKept }) => (isKept ? 'kept' : 'BROKEN'),
};

/** The table. A column that is empty for all drills is left out. */
export function tableOf(drills: readonly JudgedDrill[]): string {
  const columns = Object.entries(COLUMNS).filter(([, cell]) => drills.some((drill) => cell(drill) !== ''));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(([name]) => name)),
    line(columns.map(() => '---')),
    ...drills.map((drill) => line(columns.map(([, cell]) => cell(drill)))),
  ].join('\n');
}
