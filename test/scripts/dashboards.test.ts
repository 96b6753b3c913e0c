// The dashboards of Grafana: the files are what the code prints, and each panel says what it shows and what is good.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { RUNBOOKS_URL } from '../../scripts/ops/dashboards/dashboard.ts';
import { DASHBOARDS, DASHBOARDS_FOLDER, dashboardFiles } from '../../scripts/ops/dashboards/index.ts';
import { dashboardsPage } from '../../scripts/ops/dashboards/page.ts';
import { PICTURES } from '../../scripts/ops/dashboards/pictures.ts';
import { comparisonsOf, familyOf, metricsOf, parseExpression } from '../ops/observability/expressions.ts';
import { ALERTS, RULES } from '../ops/observability/rules.ts';

const PANELS = DASHBOARDS.flatMap(({ name, rows }) =>
  rows.flatMap(({ panels }) => panels.map(({ spec }) => ({ name: `${name}: ${spec.title}`, spec }))),
);
const METRICS_PAGE = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const RUNBOOKS = new URL('../../docs/runbooks/', import.meta.url);
/** What exporters and Prometheus itself tell, which docs/metrics.md leaves to them. */
const NOT_OURS = /^(?:pg|redis|node|envoy|prometheus|alertmanager|scrape)_|^(?:up|ALERTS)$/;

test('the files are in step with the code (npm run dashboards prints them again)', () => {
  const files = readdirSync(DASHBOARDS_FOLDER).map(
    (name) => [name, readFileSync(new URL(name, DASHBOARDS_FOLDER), 'utf8')] as const,
  );
  assert.deepEqual(new Map(files), new Map([...dashboardFiles()].sort()));
});

test('docs/dashboards.md is in step, too, and shows pictures that are small', () => {
  const docs = new URL('../../docs/', import.meta.url);
  assert.deepEqual(
    readFileSync(new URL('dashboards.md', docs), 'utf8').split('\n'),
    dashboardsPage().split('\n'),
  );
  for (const { file, dashboard } of PICTURES) {
    const png = readFileSync(new URL(`dashboards/${file}`, docs));
    assert.equal(png.subarray(1, 4).toString(), 'PNG');
    assert.ok(png.length > 20_000 && png.length < 150_000, `${file} has ${png.length} bytes`);
    assert.ok(DASHBOARDS.some(({ name }) => name === dashboard));
  }
});

test('each panel says what it shows and what a good value is, in sentences', () => {
  for (const { name, spec } of PANELS) {
    assert.match(spec.tells, /^[A-Z].{15,}\.$/s, name);
    assert.match(spec.good, /^[a-z0-9].*\.$/s, name);
    assert.ok(spec.unit.length > 0 && spec.queries.length > 0, name);
  }
});

test('titles of panels are unique within a dashboard', () => {
  const names = PANELS.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

/** Whether somebody says of a metric what it is: docs/metrics.md, an exporter, or prom-client. */
function isKnown(metric: string): boolean {
  if (NOT_OURS.test(metric) || /^(?:process|nodejs)_/.test(metric)) return true;
  return [metric, familyOf(metric)].some((name) => METRICS_PAGE.includes(`\`${name}\``));
}

test('expressions follow the grammar of Prometheus and name only metrics of docs/metrics.md', () => {
  const unknown = PANELS.flatMap(({ name, spec }) =>
    spec.queries
      .flatMap(([expression]) => [...metricsOf(expression)])
      .filter((metric) => !isKnown(metric))
      .map((metric) => `${name}: ${metric}`),
  );
  assert.deepEqual(unknown, []);
});

test('each metric of docs/metrics.md is on a dashboard', () => {
  const drawn = new Set(
    PANELS.flatMap(({ spec }) =>
      spec.queries
        .flatMap(([expression]) => [...metricsOf(expression)])
        .flatMap((metric) => [metric, familyOf(metric)]),
    ),
  );
  const listed = [...METRICS_PAGE.matchAll(/^\| `(ppuri_\w+)`/gm)].map(([, metric = '']) => metric);
  assert.ok(listed.length > 50);
  assert.deepEqual(
    listed.filter((metric) => !drawn.has(metric)),
    [],
    'metrics that need a panel in scripts/ops/dashboards',
  );
});

test('runbooks of panels exist, and are linked where the links of alerts begin', () => {
  const missing = PANELS.filter(
    ({ spec: { runbook } }) => runbook !== undefined && !existsSync(new URL(`${runbook}.md`, RUNBOOKS)),
  );
  assert.deepEqual(
    missing.map(({ name, spec }) => `${name}: ${spec.runbook}`),
    [],
  );
  const prometheus = readFileSync(
    new URL('../../deploy/observability/prometheus/prometheus.yml', import.meta.url),
    'utf8',
  );
  assert.match(prometheus, new RegExp(`^ +runbooks: ${RUNBOOKS_URL}$`, 'm'));
});

test('an expression with a slip is refused, and a metric that nobody tells is found', () => {
  assert.throws(() => parseExpression('sum(rate(ppuri_x{a="1"[5m]))'), /no expression/);
  assert.deepEqual(
    [...metricsOf('sum by (le) (rate(x_seconds_bucket{a=~"$b"}[$__rate_interval])) / y')],
    ['x_seconds_bucket', 'y'],
  );
});

/** Panels whose limits are not those of their alerts, and why. */
const OWN_LIMITS = [
  // The objective itself; the alert is about how fast its budget burns.
  'overview: Calls without an answer',
  // The share that is used, red long before the last 5 % that wake somebody.
  'overview: Disks that are full',
];

/** The families of metrics that an expression names, with those of its recording rules. */
function familiesOf(metrics: Iterable<string>): Set<string> {
  const recorded = (name: string) => RULES.find(({ record }) => record === name)?.expr;
  return new Set(
    [...metrics].flatMap((name) => {
      const expression = recorded(name);
      return expression === undefined ? [familyOf(name)] : [...familiesOf(metricsOf(expression))];
    }),
  );
}

test('a panel is red where the alert of its runbook fires', () => {
  const compared: string[] = [];
  for (const { name, spec } of PANELS) {
    const alert = ALERTS.find(({ annotations }) => annotations.runbook_url?.endsWith(`/${spec.runbook}.md`));
    if (!spec.bad || !alert || OWN_LIMITS.includes(name)) continue;
    const drawn = familiesOf(spec.queries.flatMap(([expression]) => [...metricsOf(expression)]));
    const limits = comparisonsOf(alert.expr)
      // More than none of something: a panel has a number that can be drawn.
      .filter(({ metrics, limit }) => limit > 0 && !drawn.isDisjointFrom(familiesOf(metrics)))
      .map(({ operator, limit }) => (operator === '>' ? { above: limit } : { below: limit }));
    if (limits.length === 0) continue;
    compared.push(name);
    const isOneOf = limits.some((limit) => isDeepStrictEqual(limit, spec.bad));
    assert.ok(isOneOf, `${name}: ${JSON.stringify(spec.bad)}, ${alert.alert}: ${JSON.stringify(limits)}`);
  }
  assert.ok(compared.length > 20, compared.join());
});

test('what is bad is beyond what is good: a panel with a limit names a number in its text', () => {
  for (const { name, spec } of PANELS.filter(({ spec }) => spec.bad !== undefined)) {
    assert.match(spec.good, /\d|as many/, name);
  }
});
