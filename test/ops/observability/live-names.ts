// Whether what expressions name is there: each metric and each label, on the live pages that Prometheus has scraped.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Prometheus } from '../../../scripts/ops/parts/prometheus.ts';
import { familyOf, parseExpression } from './expressions.ts';
import { PROMETHEUS_FOLDER, RULES } from './rules.ts';

const DASHBOARDS = join(PROMETHEUS_FOLDER, '../grafana/dashboards');

/** Metrics of Kafka (test/ops/kafka), backups, drills and the log probe, which nothing makes in this test. */
const MADE_ELSEWHERE = [
  'ppuri_kafka_lag_seconds',
  'ppuri_kafka_events_sent_total',
  'ppuri_kafka_failures_total',
  'ppuri_logs_shipped_timestamp_seconds',
  'ppuri_backup_age_seconds',
  'ppuri_wal_archive_lag_seconds',
  'ppuri_drill_ok',
  'ppuri_drill_rto_seconds',
  'ppuri_drill_rpo_seconds',
];
/** The labels of what a server has only with TLS (test/grpc/tls.test.ts). */
const WITH_TLS: Readonly<Record<string, readonly string[]>> = {
  ppuri_certificate_expiry_seconds: ['certificate', 'instance', 'job', 'process'],
};

/** Every expression that is deployed, with where it stands. */
export function deployedExpressions(): readonly { readonly where: string; readonly expression: string }[] {
  const ofRules = RULES.map(({ alert, record, expr }) => ({
    where: alert ?? record ?? '',
    expression: expr,
  }));
  const ofPanels = globSync('*.json', { cwd: DASHBOARDS }).flatMap((file) => {
    const texts: { where: string; expression: string }[] = [];
    JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8'), (name, value) => {
      if (name === 'expr' && typeof value === 'string') texts.push({ where: file, expression: value });
      return value;
    });
    return texts;
  });
  return [...ofRules, ...ofPanels];
}

/** What the expressions name and Prometheus does not have, each as `where: what`. */
export async function missingNames(
  prometheus: Prometheus,
  expressions: ReturnType<typeof deployedExpressions>,
): Promise<string[]> {
  const declared = new Set(Object.keys(await prometheus.api<Record<string, unknown>>('/api/v1/metadata')));
  const recorded = new Set(RULES.map(({ record }) => record));
  const labelsByMetric = new Map<string, Promise<ReadonlySet<string>>>();
  const labelsOf = (metric: string) => {
    const known = labelsByMetric.get(metric) ?? labelsIn(prometheus, metric);
    labelsByMetric.set(metric, known);
    return known;
  };
  const missing = new Set<string>();
  for (const { where, expression } of expressions) {
    const { selectors, groupedBy } = parseExpression(expression);
    const groupable = new Set<string>();
    for (const { metric, labels } of selectors) {
      if (recorded.has(metric) || MADE_ELSEWHERE.includes(metric)) continue;
      const there = new Set(WITH_TLS[metric] ?? (await labelsOf(metric)));
      for (const label of there) groupable.add(label);
      const isDeclared = declared.has(metric) || declared.has(familyOf(metric));
      if (there.size === 0 && !isDeclared) missing.add(`${where}: ${metric}`);
      for (const label of labels) if (!there.has(label)) missing.add(`${where}: ${metric}{${label}}`);
    }
    for (const label of groupedBy)
      if (groupable.size > 0 && !groupable.has(label)) missing.add(`${where}: by (${label})`);
  }
  return [...missing];
}

/** The labels of the metric's series; none where it has no series. */
async function labelsIn(prometheus: Prometheus, metric: string): Promise<ReadonlySet<string>> {
  const match = new URLSearchParams({ 'match[]': metric });
  const series = await prometheus.api<readonly Record<string, string>[]>(`/api/v1/series?${match}`);
  return new Set(series.flatMap((labels) => Object.keys(labels)));
}
