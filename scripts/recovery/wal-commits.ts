// Reads from WAL what was committed and when, with pg_waldump.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { SetupError } from '../cli/program.ts';
import type { PgTools } from '../ops/parts/pg-tools.ts';
import { parseLsn, parseSegment, segmentAt, segmentName } from './wal-names.ts';

/** A commit in WAL. */
export interface WalCommit {
  readonly xid: string;
  readonly lsn: string;
  /** When it was committed, in microseconds since 1970. */
  readonly at: number;
  /** The files that it removed, `base/5/16384`: those of dropped, truncated and rewritten tables. */
  readonly removed: readonly string[];
}

const LINE =
  /tx:\s*(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+),.*desc: COMMIT(?:_PREPARED)? (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))? UTC(.*)$/;

/** At the end of the WAL it says so in the same words. */
const STOPPED = /error in WAL record at ([0-9A-F]+\/[0-9A-F]+)(?:: (.*))?/;

/**
 * The commits from a segment on to the last one in a folder. Throws a SetupError where the WAL cannot be read up to the last
 * segment: Postgres would stop there as well, and take it for the end.
 */
export async function* readCommits(
  tools: PgTools,
  folder: string,
  {
    first,
    last,
    segmentBytes,
  }: { readonly first: string; readonly last: string; readonly segmentBytes: number },
): AsyncGenerator<WalCommit> {
  const child = spawn(tools.pathOf('pg_waldump'), ['-p', folder, '-r', 'Transaction', first, last], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TZ: 'UTC', PGTZ: 'UTC', LC_ALL: 'C' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, xid = '', lsn = '', day = '', time = '', fraction = '0', rest = ''] = LINE.exec(line) ?? [];
    if (!xid) continue;
    yield {
      xid,
      lsn,
      at: Date.parse(`${day}T${time}Z`) * 1000 + Number(fraction.padEnd(6, '0')),
      removed: [...(/\brels:((?: [\w/]+)+)/.exec(rest)?.[1]?.trim().split(' ') ?? [])],
    };
  }
  await closed;
  const [, at, why = ''] = STOPPED.exec(said) ?? [];
  if (at === undefined) return;
  const number = segmentAt(parseLsn(at), segmentBytes);
  const { timeline = 1, number: end = 0n } = parseSegment(last, segmentBytes) ?? {};
  if (number < end)
    throw new SetupError(
      `the WAL cannot be read on from ${at}, in ${segmentName({ timeline, number }, segmentBytes)}: ${why}`,
    );
}
