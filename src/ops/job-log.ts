// Tells the log how jobs go.
import type { Logs } from './logs.ts';

/** An observer of jobs that writes to the app log; what happens every second it tells only at level debug. */
export function jobLog({ app }: Logs) {
  const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));
  return {
    ran: (job: string, tookMs: number, error: unknown) => {
      if (error === undefined) app.debug({ job, tookMs }, 'a job ran');
      else app.warn({ job, tookMs, reason: reason(error) }, 'a job failed');
    },
    buried: (job: string, error: unknown) =>
      app.error({ job, reason: reason(error) }, 'a job became a dead letter'),
    relayed: (count: number) => app.debug({ count }, 'relayed'),
    refunded: (count: number, longestLagMs: number) =>
      app.info({ count, longestLagMs }, 'sprinkles refunded'),
    reconciled: (transfers: number, faults: readonly object[]) => {
      for (const fault of faults) app.error({ fault }, 'the ledger does not agree with itself');
      app.info({ transfers, faults: faults.length }, 'ledger reconciled');
    },
    trouble: (what: string, error: unknown) => app.warn({ what, reason: reason(error) }, 'trouble with jobs'),
  };
}
