// Metrics of the audit trail: what it tells of, and what it could not be told.

import { Counter, type Registry } from 'prom-client';
import { ACT_OUTCOMES } from '../../domain/act.ts';

/** Records what becomes of acts. */
export interface AuditRecorder {
  /** A line stands for so many acts with this outcome; the names are ours. */
  acted(outcome: string, count: number): void;
  /** So many acts have no line of their own. */
  dropped(count: number): void;
  /** Lines could not be written. */
  failed(): void;
}

/** Makes the recorder of the audit trail. */
export function auditMetrics(registry: Registry): AuditRecorder {
  const acts = new Counter({
    name: 'ppuri_audit_acts_total',
    help: 'Acts by how they went: attempted, done, refused, failed, denied, unauthenticated, dropped.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const dropped = new Counter({
    name: 'ppuri_audit_dropped_total',
    help: 'Refusals that were counted without a line of their own, because there were too many.',
    registers: [registry],
  });
  const failures = new Counter({
    name: 'ppuri_audit_write_failures_total',
    help: 'Times that lines of the audit trail could not be written; admin calls are refused meanwhile.',
    registers: [registry],
  });
  for (const outcome of ACT_OUTCOMES) acts.labels(outcome).inc(0);
  return {
    acted: (outcome, count) => acts.labels(outcome).inc(count),
    dropped: (count) => dropped.inc(count),
    failed: () => failures.inc(),
  };
}
