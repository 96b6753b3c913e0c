// Reads the audit trail, for operators.
import type { ActFilter, KeptAct } from '../../db/audit.ts';
import type { Page } from '../../domain/page.ts';
import type { AdminReads } from '../../repositories/index.ts';

export type { KeptAct } from '../../db/audit.ts';

/** Acts, newest first, one page; `after` is the id at which the page before ended, or 0. */
export function listActs(
  { audit }: Pick<AdminReads, 'audit'>,
  filter: ActFilter,
  after: bigint,
  size: number,
): Promise<Page<KeptAct, bigint>> {
  return audit.list(filter, after, size);
}
