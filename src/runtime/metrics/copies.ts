// Metrics of the copies in Redis: how often they answered, why not, and how old they were.
import { Counter, Histogram, type Registry } from 'prom-client';

/** Records looks for copies. */
export interface CopyRecorder {
  /** A look for a copy of a kind, what it came to, and how old the copy was; the names are ours. */
  looked(kind: string, outcome: string, ageMs?: number): void;
}

const AGES_S = [0.01, 0.1, 1, 10, 60, 300];

/** Makes the recorder of copies. */
export function copyMetrics(registry: Registry): CopyRecorder {
  const looks = new Counter({
    name: 'ppuri_copy_looks_total',
    help: 'Looks for a copy in Redis: hit, miss, contended (a commit or a reader is at it), corrupt (not ours), bypass (not believed).',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  });
  const ages = new Histogram({
    name: 'ppuri_copy_age_seconds',
    help: 'How long ago the copies that answered were written.',
    labelNames: ['kind'],
    buckets: AGES_S,
    registers: [registry],
  });
  const looksOf = remembered((kind: string, outcome: string) => looks.labels(kind, outcome));
  const agesOf = remembered((kind: string) => ages.labels(kind));
  return {
    looked: (kind, outcome, ageMs) => {
      looksOf(kind, outcome).inc();
      if (ageMs !== undefined) agesOf(kind).observe(ageMs / 1000);
    },
  };
}

/** Looking a child up by its labels costs more than the child itself. */
function remembered<Labels extends string[], Child>(find: (...labels: Labels) => Child) {
  const children = new Map<string, Child>();
  return (...labels: Labels): Child => {
    const name = labels.join(' ');
    const child = children.get(name) ?? find(...labels);
    children.set(name, child);
    return child;
  };
}
