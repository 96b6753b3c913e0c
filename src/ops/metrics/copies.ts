// Metrics of the copies in Redis: how often they answered, and why not.
import { Counter, type Registry } from 'prom-client';

/** Records looks for copies. */
export interface CopyRecorder {
  /** A look for a copy of a kind, and what it came to; both are names of ours. */
  looked(kind: string, outcome: string): void;
}

/** Makes the recorder of copies. */
export function copyMetrics(registry: Registry): CopyRecorder {
  const looks = new Counter({
    name: 'ppuri_copy_looks_total',
    help: 'Looks for a copy in Redis by what they came to: hit, miss, contended (a commit or another reader is at it), corrupt (not ours), bypass (copies are not believed).',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  });
  const children = new Map<string, { inc(): void }>();
  return {
    looked: (kind, outcome) => {
      const name = `${kind} ${outcome}`;
      const child = children.get(name) ?? looks.labels(kind, outcome);
      children.set(name, child);
      child.inc();
    },
  };
}
