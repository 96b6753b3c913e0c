// Finds the moment of a restore in the WAL: the last commit before it, and those after it.
import { linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../cli/program.ts';
import type { PgTools } from '../ops/parts/pg-tools.ts';
import type { BackupRecord } from './catalog.ts';
import { momentText, type RestorePlan } from './restore-plan.ts';
import { readCommits, type WalCommit } from './wal-commits.ts';
import { parseLsn, parseSegment, segmentName } from './wal-names.ts';

/** Where in the WAL the target lies. */
export interface Moment {
  /** The last commit that is restored. */
  readonly last: WalCommit | undefined;
  /** The commits after it. */
  readonly later: readonly WalCommit[];
}

/**
 * Reads it from the WAL that was fetched into the draft. Postgres stops before the first commit whose time is after the
 * target, and so does this. Throws a SetupError where the WAL ends before.
 */
export async function readMoment(plan: RestorePlan, tools: PgTools, draft: string): Promise<Moment> {
  const { folder, names } = linkAsOneTimeline(plan, draft);
  const until = plan.to === 'latest' ? Number.POSITIVE_INFINITY : plan.to;
  let last: WalCommit | undefined;
  const later: WalCommit[] = [];
  const record = plan.chain.at(-1) as BackupRecord;
  const range = { first: names[0] ?? '', last: names.at(-1) ?? '', segmentBytes: record.segmentBytes };
  try {
    for await (const commit of readCommits(tools, folder, range)) {
      const isInBackup = parseLsn(commit.lsn) < parseLsn(record.endLsn);
      if (later.length > 0 || (commit.at > until && !isInBackup)) later.push(commit);
      else last = commit;
    }
  } catch (error) {
    // Behind the target it is of no use but for the list of what is undone.
    if (later.length === 0) throw error;
  }
  if (plan.missing && plan.to !== 'latest' && later.length === 0)
    throw new SetupError(
      `the WAL segment ${plan.missing} is missing: a restore can reach ${last ? momentText(last.at) : record.endedAt} at most (--to)`,
    );
  return { last, later };
}

/** pg_waldump reads files of one timeline alone, and a restored ledger's WAL begins on the one before. */
function linkAsOneTimeline(
  { segments, timeline, chain }: RestorePlan,
  draft: string,
): { folder: string; names: string[] } {
  const { segmentBytes } = chain.at(-1) as BackupRecord;
  const folder = join(draft, 'timeline');
  mkdirSync(folder, { mode: 0o700 });
  const names = segments.map(({ name }) => {
    const { number = 0n } = parseSegment(name, segmentBytes) ?? {};
    const linked = segmentName({ timeline, number }, segmentBytes);
    linkSync(join(draft, 'wal', name), join(folder, linked));
    return linked;
  });
  return { folder, names };
}
