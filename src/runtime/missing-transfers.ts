// Tells operators of transfers that the feed names and that neither the ledger nor the archive has.
import type { Resources } from './resources.ts';

/** How many ids a line of the log names. */
const MOST_NAMED = 20;

/** Counts them and logs their ids, each time that somebody reads past them. */
export function missingTransferAlarm({
  logs,
  metrics,
}: Pick<Resources, 'logs' | 'metrics'>): (ids: readonly string[]) => void {
  return (ids) => {
    metrics.feed.missing(ids.length);
    const what = ids.slice(0, MOST_NAMED).join(' ');
    logs.app.error({ what, count: ids.length }, 'transfers are missing in the ledger and in the archive');
  };
}
