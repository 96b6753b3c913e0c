// Alerts and their documents: every alert has its summary, runbook and unit test, every metric its line in docs/metrics.md.
import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { AUTHENTICATION_CAUSES } from '../../src/grpc/index.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { familyOf, parseExpression } from '../ops/observability/expressions.ts';
import { ALERTS, RULES, type RuleTest, UNIT_TESTS } from '../ops/observability/rules.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const RUNBOOKS = 'docs/runbooks';
/** Pages about a subject or a fault that no alert tells of. */
const SUBJECTS = [
  'api-keys',
  'corrupt-page',
  'jobs',
  'key-stolen',
  'network-split',
  'node-lost',
  'operator-error',
  'payouts',
  'redis-lost',
  'replica',
  'streams',
  'site-lost',
];

const kebab = (alert: string) =>
  alert
    .replace(/^Ppuri/, '')
    .replaceAll(/[A-Z]/g, (letter, at) => `${at === 0 ? '' : '-'}${letter.toLowerCase()}`);

test('every alert says how urgent it is, what happened, and where its runbook is', () => {
  assert.ok(ALERTS.length > 40);
  assert.equal(new Set(ALERTS.map(({ alert }) => alert)).size, ALERTS.length, 'names are unique');
  for (const { alert, labels, annotations } of ALERTS) {
    assert.match(alert, /^Ppuri[A-Z]\w+$/);
    assert.ok(['page', 'ticket', 'none'].includes(labels.severity ?? ''), `${alert} has no severity`);
    assert.deepEqual(Object.keys(annotations).sort(), ['description', 'runbook_url', 'summary'], alert);
    assert.equal(annotations.runbook_url, `{{ $externalLabels.runbooks }}/${kebab(alert)}.md`);
  }
});

test('every alert has its runbook, and every runbook its alert', () => {
  const pages = readdirSync(join(ROOT, RUNBOOKS)).map((file) => basename(file, '.md'));
  assert.deepEqual(pages.sort(), [...SUBJECTS, ...ALERTS.map(({ alert }) => kebab(alert))].sort());
  for (const { alert } of ALERTS) {
    const page = read(`${RUNBOOKS}/${kebab(alert)}.md`);
    assert.ok(page.includes(`\nAlert \`${alert}\`.\n`), alert);
    const sections = [...page.matchAll(/^## (.*)\n(.+)/gm)].map(([, title]) => title);
    assert.deepEqual(sections, ['What it means for users', 'Look first', 'Do', 'Over when'], alert);
  }
});

test('what runbooks say to call exists, with its fields', () => {
  for (const file of globSync(`${RUNBOOKS}/*.md`, { cwd: ROOT })) {
    for (const [, name = '', request] of read(file).matchAll(
      /npm run call -- (\w+\.v\d\.\w+\/\w+)(?: '(.*?)')?/g,
    )) {
      const contract = CONTRACTS.get(`/${name}`);
      assert.ok(contract, `${file}: ${name}`);
      if (request === undefined) continue;
      const [service = '', method = ''] = name.split('/');
      const proto = read(
        `proto/admin/v1/${service.split('.').at(-1)?.replace('Service', '').toLowerCase()}_service.proto`,
      );
      const message = new RegExp(`message ${method}Request \\{([\\s\\S]*?)\\n?\\}\\n`).exec(proto)?.[1] ?? '';
      for (const field of Object.keys(JSON.parse(request)))
        assert.match(message, new RegExp(` ${field} = \\d`), `${file}: ${name} has no ${field}`);
    }
  }
});

test('metrics that rules and runbooks name are documented', () => {
  const documented = read('docs/metrics.md');
  const named = new Set(
    RULES.flatMap(({ expr }) => parseExpression(expr).selectors.map(({ metric }) => metric)),
  );
  for (const file of globSync(`${RUNBOOKS}/*.md`, { cwd: ROOT }))
    for (const [name] of read(file).matchAll(/\bppuri_(?!app\b|worker\b|admin\b)\w+/g)) named.add(name);
  const recorded = new Set(RULES.map(({ record }) => record));
  const missing = [...named].filter(
    (name) => !recorded.has(name) && ![name, familyOf(name)].some((one) => documented.includes(`\`${one}\``)),
  );
  assert.deepEqual(missing, []);
});

test('every metric of the two programs has its line in docs/metrics.md, and every line its metric', async () => {
  const documented = [...read('docs/metrics.md').matchAll(/^\| `(ppuri_\w+)` (?:gauge|counter|histogram)/gm)];
  const metrics = createMetrics({});
  metrics.authentication(AUTHENTICATION_CAUSES);
  metrics.jobs();
  metrics.payouts(() => Promise.reject(new Error('there is no database')));
  metrics.upkeep(() => Promise.reject(new Error('there is no database')));
  metrics.recovery(() => Promise.reject(new Error('there is no database')));
  metrics.webhooks(() => Promise.reject(new Error('there is no database')));
  metrics.kafka(() => Promise.reject(new Error('there is no database')));
  const { states } = metrics;
  states.postgres({ isReadOnly: () => false, clockSkewSeconds: () => 0 });
  states.pool('reads', () => ({ total: 0, idle: 0, waiting: 0 }));
  const stats = { fires: 0, failures: 0, rejects: 0, semaphoreRejections: 0 };
  states.breaker('cache', { state: () => 'closed', stats: () => stats });
  states.redis('admission', () => true);
  states.cache(() => true);
  states.ledgerQueue(() => 0);
  states.dependency('postgres', () => true);
  states.apiKeyExpiry(() => undefined);
  states.certificate('server', 0);
  metrics.logs(() => ({}));
  const { body } = await metrics.page();
  const measured = [...body.matchAll(/^# TYPE (ppuri_\w+)/gm)].map(([, name = '']) => name);
  const ours = documented
    .map(([, name = '']) => name)
    .filter((name) => !/^ppuri_(?:pg|logs_shipped)_/.test(name));
  assert.deepEqual(ours.sort(), measured.sort());
});

test('every alert has a unit test in which it stays quiet and one in which it fires', () => {
  const of = (alert: string, fires: boolean) =>
    UNIT_TESTS.flatMap(({ alert_rule_test }): readonly RuleTest[] => alert_rule_test).some(
      (one) => one.alertname === alert && one.exp_alerts.length > 0 === fires,
    );
  for (const { alert } of ALERTS) {
    assert.ok(of(alert, true), `${alert} is not seen to fire`);
    // It has to fire always.
    if (alert !== 'PpuriWatchdog') assert.ok(of(alert, false), `${alert} is not seen to stay quiet`);
  }
});

test('money calls of the rules are the calls of the wallet with an idempotency key', () => {
  const money = [...CONTRACTS].filter(
    ([path, { rules }]) => path.startsWith('/wallet.') && rules.idempotencyKey,
  );
  const methods = [...new Set(money.map(([path]) => path.split('/')[2]))].sort();
  const selectors = RULES.map(({ expr }) => expr)
    .join('\n')
    .matchAll(/service=~"wallet\[\.\]\.\+", method=~"([^"]*)"/g);
  const lists = new Set([...selectors].map(([, list]) => list));
  assert.deepEqual([...lists], [methods.join('|')]);
  for (const [path, { rules }] of CONTRACTS)
    if (path.startsWith('/wallet.') && methods.includes(path.split('/')[2]))
      assert.ok(rules.idempotencyKey, `${path} would be counted`);
});

test('Alertmanager names alerts that there are', () => {
  const file = 'deploy/observability/alertmanager/alertmanager.yml';
  const named = [...read(file).matchAll(/alertname=~?"([^"]*)"/g)].flatMap(([, names = '']) =>
    names.split('|'),
  );
  assert.ok(named.length > 5);
  for (const name of named)
    assert.ok(
      ALERTS.some(({ alert }) => new RegExp(`^(?:${name})$`).test(alert)),
      name,
    );
  const { receivers, route } = parse(read(file));
  assert.deepEqual(receivers.map(({ name }: { name: string }) => name).sort(), [
    'heartbeat',
    'page',
    'ticket',
  ]);
  assert.equal(route.receiver, 'ticket');
});

test('the scrape configuration has a file of targets for each of its jobs', () => {
  const folder = 'deploy/observability/prometheus';
  const { scrape_configs } = parse(read(`${folder}/prometheus.yml`));
  for (const { job_name, file_sd_configs } of scrape_configs) {
    assert.deepEqual(file_sd_configs, [{ files: [`targets/${job_name}.yml`] }]);
    assert.ok(existsSync(join(ROOT, folder, 'targets', `${job_name}.yml`)), job_name);
  }
});
