// Metrics of the logs: how many lines were written, and what could not be.
import { Counter, type Registry } from 'prom-client';
import type { LineCounts } from '../line-buffer.ts';

/** Makes the metrics of the logs; `read` returns the counts of each log, by its name. */
export function logMetrics(registry: Registry, read: () => Readonly<Record<string, LineCounts>>): void {
  const counters = [
    {
      name: 'ppuri_log_lines_total',
      help: 'Lines written, by log: app, transactions, audit; stdout for what goes there.',
      countOf: ({ written }: LineCounts) => written,
    },
    {
      name: 'ppuri_log_write_failures_total',
      help: 'Attempts to write lines that failed; the lines wait in memory and are tried again.',
      countOf: ({ failures }: LineCounts) => failures,
    },
    {
      name: 'ppuri_log_lost_lines_total',
      help: 'Lines that were given up, because 8 MiB of them waited to be written.',
      countOf: ({ lost }: LineCounts) => lost,
    },
  ];
  for (const { name, help, countOf } of counters) {
    new Counter({
      name,
      help,
      labelNames: ['log'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [log, counts] of Object.entries(read())) this.inc({ log }, countOf(counts));
      },
    });
  }
}
