// Metrics of the limiter: whom it lets in, what it refuses by which limit, and whether Redis had a say in it.
import { Counter, type Registry } from 'prom-client';
import type { OnDecision } from '../../admission/index.ts';

/** Called for every decision. */
export interface LimiterRecorder {
  /** `limit` is the name of the limit or cap that refused; undefined where none did. */
  readonly decided: OnDecision;
}

/** The limits and caps that there are; any other name is counted as `other`. */
const LIMITS = new Set(['key', 'user', 'ip', 'token', 'signature']);

/** Makes the recorder of the limiter. */
export function limiterMetrics(registry: Registry): LimiterRecorder {
  const decisions = new Counter({
    name: 'ppuri_limiter_decisions_total',
    help: 'Signed calls that the limiter let in or refused, by which limit, and who decided.',
    labelNames: ['outcome', 'limit', 'by'],
    registers: [registry],
  });
  // The way nearly all calls go; by redis it should be, and a share by process says that Redis is away.
  const admitted = {
    redis: decisions.labels('admitted', '', 'redis'),
    memory: decisions.labels('admitted', '', 'memory'),
    process: decisions.labels('admitted', '', 'process'),
  };
  for (const series of [admitted.redis, admitted.process]) series.inc(0);
  // An alert on a rate sees the first refusal by a limit only where there was a zero before it.
  for (const limit of LIMITS) decisions.labels('limited', limit, 'redis').inc(0);
  return {
    decided(outcome, limit, by) {
      if (outcome === 'admitted') admitted[by].inc();
      else decisions.inc({ outcome, limit: nameOf(limit), by });
    },
  };
}

function nameOf(limit: string | undefined): string {
  if (limit === undefined) return '';
  return LIMITS.has(limit) ? limit : 'other';
}
