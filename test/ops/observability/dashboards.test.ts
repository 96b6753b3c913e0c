// The dashboards against the real Prometheus over the real product, and their page in a real Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import type { FoundPrograms } from '../../../scripts/dev/install.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { DASHBOARDS } from '../../../scripts/ops/dashboards/index.ts';
import { startThrowaway } from '../../../scripts/ops/observe/throwaway.ts';
import { findChromium, startChromium } from '../../../scripts/ops/parts/chromium.ts';
import { startPanels } from '../../../scripts/ops/parts/panels.ts';
import { resolveExpression } from '../../../scripts/ops/parts/panels-page/reading.mjs';
import { findPrometheus, type Prometheus } from '../../../scripts/ops/parts/prometheus.ts';
import { orSkip } from '../../skip.ts';
import { until } from '../../until.ts';

/** Panels whose metrics come with what does not run here, by `requires`. When they have series, they leave this list. */
const WITHOUT_SERIES = [
  'jobs-and-payouts: Lag of Kafka',
  'jobs-and-payouts: Events sent to Kafka',
  'security: Certificates of servers',
  'postgres: Lag of replicas',
  'postgres: WAL that replicas have not replayed',
  'recovery: Last drill',
  'recovery: Time to recover',
  'recovery: Data that a drill lost',
  'recovery: Age of the last backup',
  'recovery: Age of backups',
  'recovery: WAL that is not in the archive',
  'recovery: Time that drills took',
  'recovery: Time that drills lost',
  'telemetry: Age of the newest line in the log store',
];
const PANELS = DASHBOARDS.flatMap(({ name, rows }) =>
  rows.flatMap(({ panels }) => panels.map(({ spec }) => ({ name: `${name}: ${spec.title}`, spec }))),
);
/** The first start installs; a minute of life follows. */
const START_MS = 400_000;
const LIFE_MS = 90_000;

const skipOf = (found: FoundPrograms, what: string) =>
  orSkip('paths' in found ? { path: found.paths[0] ?? '' } : found, what).skip;
const skip =
  skipOf(await findPrometheus(), 'Prometheus') || skipOf(await findChromium(), 'Chromium') || false;

const owner = new AsyncDisposableStack();
let prometheus: Prometheus;
let browser: Browser;
let panelsUrl: string;

before(
  async () => {
    if (skip) return;
    const stack = await startThrowaway(owner, () => {});
    assert.deepEqual(stack.missing, []);
    assert.ok(stack.prometheus && stack.urls.dashboards);
    prometheus = stack.prometheus;
    panelsUrl = stack.urls.dashboards;
    browser = await startChromium();
    owner.defer(() => browser.close());
  },
  { timeout: START_MS },
);
after(() => owner.disposeAsync());

const series = (expression: string) =>
  prometheus.query(resolveExpression(expression, { instance: '.*', rateSeconds: 30 }));

test('each expression of each panel is answered with series that have the labels of its legend', {
  skip,
}, async () => {
  const answered = PANELS.filter(({ name }) => !WITHOUT_SERIES.includes(name));
  const giveUpAt = performance.now() + LIFE_MS;
  for (const { name, spec } of answered) {
    for (const [expression, legend] of spec.queries) {
      const found = await until(
        `${name} has series: ${expression}`,
        async () => {
          const answer = await series(expression);
          return answer.length > 0 && answer;
        },
        Math.max(0, giveUpAt - performance.now()),
      );
      // Without anything to group, `or vector(0)` has no labels.
      if (expression.endsWith('or vector(0)')) continue;
      for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(
          found.some(({ metric }) => label in metric),
          `${name}: no series of ${expression} has ${label}`,
        );
      }
    }
  }
});

test('panels without series are those that say what they require', { skip }, async () => {
  assert.deepEqual(
    PANELS.filter(({ spec }) => spec.requires !== undefined).map(({ name }) => name),
    WITHOUT_SERIES,
  );
  for (const { name, spec } of PANELS.filter(({ spec }) => spec.requires !== undefined)) {
    for (const [expression] of spec.queries) assert.deepEqual(await series(expression), [], name);
  }
});

/** A page that notes everything that goes wrong in it, and every request to another host. */
async function openPage(
  url: string,
  look: { readonly width: number; readonly colorScheme: 'light' | 'dark' },
): Promise<{ page: Page; faults: string[] }> {
  const { width, colorScheme } = look;
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!/^data:/.test(request.url()) && new URL(request.url()).origin !== new URL(url).origin)
      faults.push(`asks ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

/** What a person sees of each panel. */
function readCards(page: Page) {
  return page.locator('article').evaluateAll((cards) =>
    cards.map((card) => ({
      title: card.querySelector('h3')?.textContent ?? '',
      good: card.querySelector('.good span')?.textContent ?? '',
      isDrawn: card.querySelector('canvas, .value') !== null,
    })),
  );
}

const LOOKS = [
  { width: 1280, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
] as const;

for (const { name, rows } of DASHBOARDS) {
  for (const look of LOOKS) {
    test(`the page shows ${name} ${look.width} pixels wide in ${look.colorScheme}`, { skip }, async () => {
      const { page, faults } = await openPage(`${panelsUrl}#${name}/120`, look);
      await using _ = page;
      await page.locator(`body[data-drawn="${name}"]`).waitFor();
      const expected = rows.flatMap(({ panels }) =>
        panels.map(({ spec: { title, good } }) => ({
          ...{ title, good },
          isDrawn: !WITHOUT_SERIES.includes(`${name}: ${title}`),
        })),
      );
      // The page asks again by itself until life has left its traces in each panel.
      const areDrawn = async () => isDeepStrictEqual(await readCards(page), expected);
      await until('the panels are drawn', areDrawn, LIFE_MS).catch(() => {});
      assert.deepEqual(await readCards(page), expected);
      const isScrolled = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      assert.equal(isScrolled, false, 'nothing is wider than the screen');
      assert.deepEqual(faults, []);
    });
  }
}

test('a process can be chosen, and the address goes to another dashboard', { skip }, async () => {
  const { page, faults } = await openPage(`${panelsUrl}#overview`, LOOKS[0]);
  await using _ = page;
  const lines = page.locator('article', { hasText: 'Heap of each process' }).locator('tbody tr');
  await until('a line for each process', async () => (await lines.count()) === 3);
  const instance = page.locator('#instance');
  const [, first = ''] = await instance.locator('option').allTextContents();
  await instance.selectOption(first);
  await until('one line', async () => (await lines.count()) === 1);
  assert.match((await lines.first().textContent()) ?? '', new RegExp(`^${first}`));
  await page.locator('nav a', { hasText: 'Redis' }).click();
  await page.locator('body[data-drawn="redis"]').waitFor();
  assert.equal(await page.title(), 'ppuri: Redis');
  // Redis' exporter is another process, so all are chosen again.
  assert.equal(await instance.inputValue(), '.*');
  assert.deepEqual(faults, []);
});

test('without Prometheus each panel says so', { skip }, async () => {
  const [port] = await findFree(1);
  await using panels = await startPanels({ prometheusUrl: `http://127.0.0.1:${port}` });
  const { page, faults } = await openPage(panels.url, LOOKS[0]);
  await using _ = page;
  await page.locator('body[data-drawn="overview"]').waitFor();
  const notices = await page.locator('.empty').allTextContents();
  assert.equal(notices.length, PANELS.filter(({ name }) => name.startsWith('overview:')).length);
  assert.deepEqual(new Set(notices), new Set(['Prometheus does not answer']));
  assert.match((await page.locator('#asked').textContent()) ?? '', /^\d+ panels could not be asked/);
  // Chromium reports answers of 502 by itself.
  assert.deepEqual(
    faults.filter((fault) => !/status of 502/.test(fault)),
    [],
  );
});
