// Prometheus and Alertmanager themselves hold what is deployed to their rules, and the alerts to their unit tests.
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../../../scripts/dev/processes.ts';
import { findAlertmanager } from '../../../scripts/ops/parts/alertmanager.ts';
import { findPrometheus } from '../../../scripts/ops/parts/prometheus.ts';
import { mustRun } from '../../must-run.ts';
import { orSkipAll } from '../../skip.ts';
import { PROMETHEUS_FOLDER } from './rules.ts';

const prometheus = orSkipAll(await findPrometheus(), 'Prometheus');
const alertmanager = orSkipAll(await findAlertmanager(), 'Alertmanager');
const [, promtool = ''] = prometheus.paths;
const [, amtool = ''] = alertmanager.paths;

async function passes(program: string, ...args: readonly string[]): Promise<void> {
  const { ok, output } = await runCommand(program, args, { cwd: PROMETHEUS_FOLDER });
  assert.ok(ok, output);
}

test('promtool takes the configuration and every rule', { skip: prometheus.skip }, async () => {
  await passes(promtool, 'check', 'config', 'prometheus.yml');
  await passes(
    promtool,
    'check',
    'rules',
    '--lint-fatal',
    ...globSync('rules/*.yml', { cwd: PROMETHEUS_FOLDER }),
  );
});

test('every alert stays quiet and fires as its unit tests say', {
  skip: prometheus.skip,
  timeout: 240_000,
}, async () => {
  await passes(promtool, 'test', 'rules', ...globSync('tests/*.yml', { cwd: PROMETHEUS_FOLDER }));
});

test('amtool takes the routes', { skip: alertmanager.skip }, async () => {
  const config = join(PROMETHEUS_FOLDER, '../alertmanager/alertmanager.yml');
  await passes(amtool, 'check-config', config);
  const receiverOf = (...labels: readonly string[]) =>
    mustRun(amtool, ['config', 'routes', 'test', `--config.file=${config}`, ...labels]);
  assert.equal(await receiverOf('alertname=PpuriServerDown', 'severity=page'), 'page');
  assert.equal(await receiverOf('alertname=PpuriDeadLetters', 'severity=ticket'), 'ticket');
  assert.equal(await receiverOf('alertname=PpuriWatchdog', 'severity=none'), 'heartbeat');
});
