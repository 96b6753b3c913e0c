// Metrics of authentication: how many calls fail it, by what is wrong with them.
import { Counter, type Registry } from 'prom-client';

/** Records a call that failed authentication. */
export type AuthenticationRecorder<Cause extends string> = (cause: Cause) => void;

/** Creates the recorder; `causes` are all that there are. */
export function authenticationMetrics<Cause extends string>(
  registry: Registry,
  causes: readonly Cause[],
): AuthenticationRecorder<Cause> {
  const failures = new Counter({
    name: 'ppuri_authentication_failures_total',
    help: 'Calls that failed authentication, by what is wrong with them; callers are not told.',
    labelNames: ['cause'],
    registers: [registry],
  });
  const byCause = new Map(causes.map((cause) => [cause, failures.labels(cause)]));
  // An alert on a rate sees the first failure of a kind only where there was a zero before it.
  for (const series of byCause.values()) series.inc(0);
  return (cause) => byCause.get(cause)?.inc();
}
