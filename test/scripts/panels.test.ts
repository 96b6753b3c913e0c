// The page of panels: what it makes of the dashboards' files and of Prometheus' answers, and what it serves.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { DASHBOARDS, dashboardFiles } from '../../scripts/ops/dashboards/index.ts';
import { UNIT } from '../../scripts/ops/dashboards/panel.ts';
import { startPanels } from '../../scripts/ops/parts/panels.ts';
import {
  formatValue,
  highestLines,
  isBad,
  latestOf,
  linesOf,
  readDashboard,
  resolveExpression,
  timesOf,
} from '../../scripts/ops/parts/panels-page/reading.mjs';

test('it reads of a file what the dashboard was made of', () => {
  for (const spec of DASHBOARDS) {
    const read = readDashboard(JSON.parse(dashboardFiles().get(`${spec.name}.json`) ?? ''));
    assert.equal(read.instancesOf, spec.instancesOf);
    assert.deepEqual(
      read.rows.map(({ title, panels }) => ({ title, panels: panels.map(({ kind, ...rest }) => rest) })),
      spec.rows.map(({ title, panels }) => ({
        title,
        panels: panels.map(({ spec: { queries, bad, runbook, requires, ...rest } }) => ({
          ...rest,
          requires: requires && `${requires}.`,
          queries: queries.map(([expression, legend]) => ({ expression, legend })),
          bad,
          runbook: runbook && `${runbook}.md`,
        })),
      })),
    );
  }
});

test('variables of Grafana are replaced, and a process is chosen by its exact name', () => {
  const expression = 'rate(x{instance=~"$instance"}[$__rate_interval])';
  assert.equal(
    resolveExpression(expression, { instance: '127\\.0\\.0\\.1:9464', rateSeconds: 60 }),
    'rate(x{instance=~"127\\\\.0\\\\.0\\\\.1:9464"}[60s])',
  );
});

test('moments lie on multiples of the step, and rates span at least four scrapes', () => {
  const { start, end, step, times, rateSeconds } = timesOf(1_000_003, 300, 15);
  assert.deepEqual([start, end, step, rateSeconds], [999_690, 999_990, 15, 60]);
  assert.deepEqual([times[0], times.at(-1), times.length], [start, end, 21]);
  assert.ok(timesOf(1_000_003, 86_400, 15).rateSeconds > timesOf(1_000_003, 86_400, 15).step);
});

test('a line is named by its labels, and has no value where there is none', () => {
  const series = [
    {
      metric: { pool: 'reads' },
      values: [
        [10, '1.5'],
        [30, 'NaN'],
      ] as [number, string][],
    },
  ];
  const [line] = linesOf({ expression: 'x', legend: '{{pool}} {{gone}}' }, series, [10, 20, 30]);
  assert.deepEqual(line, { name: 'reads', values: [1.5, null, null] });
  assert.equal(latestOf(line), 1.5);
});

test('of many lines the ten highest are drawn', () => {
  const lines = Array.from({ length: 30 }, (_, index) => ({ name: String(index), values: [index] }));
  assert.deepEqual(
    highestLines(lines).map(({ name }) => name),
    ['29', '28', '27', '26', '25', '24', '23', '22', '21', '20'],
  );
  assert.deepEqual(highestLines(lines.slice(0, 3)), lines.slice(0, 3));
});

test('a value at the limit is bad where it has to stay below, and good where it has to reach it', () => {
  assert.deepEqual([isBad({ above: 1 }, 1), isBad({ above: 1 }, 0.9)], [true, false]);
  assert.deepEqual([isBad({ below: 1 }, 1), isBad({ below: 1 }, 0.9)], [false, true]);
});

test('values are read in their units', () => {
  const cases: [number, string, string][] = [
    [0.01234, UNIT.seconds, '12.3 ms'],
    [0, UNIT.seconds, '0 s'],
    [3e-7, UNIT.seconds, '0.3 µs'],
    [90, UNIT.seconds, '1.5 min'],
    [1_209_600, UNIT.duration, '14 d'],
    [1536, UNIT.bytes, '1.5 KiB'],
    [1536, UNIT.bytesPerSecond, '1.5 KiB/s'],
    [0.1234, UNIT.share, '12.3 %'],
    [1234, UNIT.calls, '1.23k/s'],
    [0.5, UNIT.perSecond, '0.5/s'],
    [0, UNIT.count, '0'],
    [2, UNIT.count, '2'],
    [-0.002, UNIT.seconds, '-2 ms'],
  ];
  for (const [value, unit, text] of cases) assert.equal(formatValue(value, unit), text);
});

test('it serves the page, asks Prometheus only what the page needs, and says when Prometheus is away', async () => {
  const asked: string[] = [];
  const prometheus = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{"status":"success","data":{"result":[]}}');
  });
  await new Promise<void>((listening) => prometheus.listen(0, '127.0.0.1', listening));
  const { port } = prometheus.address() as AddressInfo;
  await using panels = await startPanels({ prometheusUrl: `http://127.0.0.1:${port}`, scrapeSeconds: 5 });
  const get = (path: string) => fetch(new URL(path, panels.url));
  try {
    for (const path of [
      '/',
      '/page.mjs',
      '/chart.mjs',
      '/reading.mjs',
      '/style.css',
      '/uplot.mjs',
      '/uplot.css',
    ]) {
      const answer = await get(path);
      assert.equal(answer.status, 200, path);
      assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
      await answer.text();
    }
    const settings = await (await get('/settings.json')).json();
    assert.deepEqual(settings, {
      scrapeSeconds: 5,
      dashboards: DASHBOARDS.map(({ name, title }) => ({ name, title })),
    });
    assert.equal((await get('/dashboards/ledger.json')).status, 200);
    assert.equal((await get('/runbooks/jobs.md')).status, 200);
    assert.equal((await get('/api/v1/query_range?query=up&start=1&end=2&step=1')).status, 200);
    const refused = [
      '/api/v1/status/config',
      '/api/v1/admin/tsdb/snapshot',
      '/..%2fpackage.json',
      '/runbooks/no.md',
    ];
    for (const path of refused) assert.equal((await get(path)).status, 404, path);
    assert.equal((await fetch(panels.url, { method: 'POST' })).status, 405);
    assert.deepEqual(asked, ['/api/v1/query_range?query=up&start=1&end=2&step=1']);
  } finally {
    prometheus.close();
    prometheus.closeAllConnections();
  }
  assert.equal((await get('/api/v1/query_range?query=up')).status, 502);
});
