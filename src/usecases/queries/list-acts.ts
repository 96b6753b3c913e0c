// Reads the audit trail, for operators.
import type { ActFilter, KeptAct } from '../../db/audit.ts';
import type { Page } from '../../domain/page.ts';
import type { AdminCore } from '../core.ts';

/** Acts, newest first, one page; `after` is the id at which the page before ended, or 0. */
export function listActs(
  { audit }: Pick<AdminCore, 'audit'>,
  filter: ActFilter,
  after: bigint,
  size: number,
): Promise<Page<KeptAct, bigint>> {
  return audit.list(filter, after, size);
}
