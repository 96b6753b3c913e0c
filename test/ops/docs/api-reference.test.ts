// The API reference in a real Chromium: every page opens, in both languages, at both widths, and people can use it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { pathOf, sitePath } from '../../../scripts/api-reference/layout.ts';
import { readServices } from '../../../scripts/api-reference/operations.ts';
import { type ReferenceServer, serveApiReference } from '../../../scripts/api-reference/serve.ts';
import { LANGUAGES } from '../../../scripts/api-reference/words.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { findChromium, startChromium } from '../../../scripts/ops/parts/chromium.ts';
import { orSkipAll } from '../../skip.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const AXE = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const OPERATIONS = readServices().flatMap(({ operations }) => operations);
const { skip } = orSkipAll(await findChromium(), 'Chromium');
const LOOKS = {
  en: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  ko: { colorScheme: 'dark', viewport: { width: 390, height: 800 } },
} as const;
/** Whether a page is wider than the screen, with everything unfolded or not. */
const IS_TOO_WIDE = 'document.documentElement.scrollWidth > innerWidth';
/** What a person finds on the page of a call. */
const FACTS = `({
  title: document.querySelector('h1').textContent,
  current: document.querySelector('nav [aria-current=page]').textContent,
  language: document.documentElement.lang,
  reasons: [...document.querySelectorAll('#errors ~ details summary code')].map(({ textContent }) => textContent),
  hasExample: / HTTP\\/1\\.1\\n/.test(document.querySelector('#example ~ pre').textContent),
  isTooWide: ${IS_TOO_WIDE},
})`;
/** As many pages at once as there are cores. */
const TABS = 2;
const START_MS = 300_000;

let server: ReferenceServer;
let browser: Browser;
before(
  async () => {
    if (skip) return;
    const [port = 0] = await findFree(1);
    server = await serveApiReference(port);
    browser = await startChromium();
  },
  { timeout: START_MS },
);
after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** A page that notes what goes wrong in it, and every request to another host. */
async function openTab(
  options: Parameters<Browser['newPage']>[0],
): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage(options);
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!/^(?:data|file):/.test(request.url()) && !request.url().startsWith(server.url))
      faults.push(`asks ${request.url()}`);
  });
  return { page, faults };
}

/** What axe-core finds that keeps people from using the page, with everything unfolded. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(`for (const details of document.querySelectorAll('details')) {
    details.removeAttribute('name');
    details.open = true;
  }`);
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'], preload: false })",
  )) as AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Pages of every shape: with a choice of fields, lists of objects, a stream, no fields, and no answer. */
const SHAPES = [
  'index.html',
  'errors.html',
  'v2/transfer-service/create-transfer.html',
  'v2/transfer-service/batch-create-transfers.html',
  'v2/payout-service/watch-payout.html',
  'v2/room-service/remove-member.html',
  'v1/wallet-service/get-balance.html',
];

for (const language of LANGUAGES) {
  const { colorScheme, viewport } = LOOKS[language];
  const look = `${viewport.width} pixels wide, in ${colorScheme}`;

  test(`every call has a page that opens, ${look} (${language})`, { skip }, async () => {
    const left = [...OPERATIONS];
    const work = async () => {
      const { page, faults } = await openTab(LOOKS[language]);
      await using _ = page;
      for (let operation = left.pop(); operation; operation = left.pop()) {
        const path = sitePath(language, pathOf(operation));
        await page.goto(`${server.url}${path}`);
        assert.deepEqual(await page.evaluate(FACTS), {
          ...{ title: operation.name, current: operation.name, language },
          reasons: operation.reasons,
          hasExample: operation.examples.done !== undefined,
          isTooWide: false,
        });
        assert.deepEqual(faults, [], path);
      }
    };
    await Promise.all(Array.from({ length: TABS }, work));
  });

  test(`axe-core finds nothing serious, ${look} (${language})`, { skip }, async () => {
    const { page, faults } = await openTab(LOOKS[language]);
    await using _ = page;
    for (const path of SHAPES) {
      await page.goto(`${server.url}${sitePath(language, path)}`);
      assert.deepEqual(await seriousFaults(page), [], path);
      assert.equal(await page.evaluate(IS_TOO_WIDE), false, path);
    }
    assert.deepEqual(faults, []);
  });
}

test('axe-core would find text that is too pale', { skip }, async () => {
  const { page } = await openTab(LOOKS.en);
  await using _ = page;
  await page.goto(server.url);
  await page.evaluate("document.querySelector('main p').style.color = '#ccc'");
  assert.match((await seriousFaults(page)).join(), /^color-contrast: /);
});

test('the search finds calls by name, field, path and reason, and is used with the keyboard alone', {
  skip,
}, async () => {
  const { page, faults } = await openTab(LOOKS.en);
  await using _ = page;
  const find = async (text: string) => {
    await page.locator('.search input').fill(text);
    return page
      .locator('.found a')
      .evaluateAll((links) => links.map(({ firstChild }) => firstChild?.textContent));
  };
  await page.goto(server.url);
  // After those that are named so come those that speak of it.
  assert.deepEqual((await find('createtransfer')).slice(0, 2), ['CreateTransfer', 'BatchCreateTransfers']);
  assert.ok((await find('headcount')).includes('CreateSprinkle'));
  assert.ok((await find('/api/v2/outcomes')).includes('GetOutcome'));
  assert.equal((await find('room_out_of_tokens'))[0], 'ROOM_OUT_OF_TOKENS');
  assert.deepEqual(await find('nothing like this'), []);
  assert.equal(await page.locator('.status').textContent(), '0 results');
  await page.locator('.search input').blur();
  await page.keyboard.press('/');
  await page.keyboard.type('watch payout');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/watch-payout.html');
  assert.deepEqual(faults, []);
});

test('the search finds Korean words on a Korean page', { skip }, async () => {
  const { page } = await openTab(LOOKS.ko);
  await using _ = page;
  await page.goto(`${server.url}ko/errors.html`);
  await page.locator('.search input').fill('잔액이 부족');
  assert.match((await page.locator('.found a').first().textContent()) ?? '', /^BALANCE_TOO_LOW/);
});

test('the other language shows the same page', { skip }, async () => {
  const { page } = await openTab(LOOKS.en);
  await using _ = page;
  await page.goto(`${server.url}v2/transfer-service/create-transfer.html`);
  await page.locator('header a[hreflang=ko]').click();
  await page.waitForURL('**/ko/v2/transfer-service/create-transfer.html');
  assert.match((await page.locator('#BALANCE_TOO_LOW summary').textContent()) ?? '', /잔액이 부족합니다/);
  await page.locator('header a[hreflang=en]').click();
  await page.waitForURL(`${server.url}v2/transfer-service/create-transfer.html`);
});

test('the keyboard skips to the content, unfolds samples and reaches every call', { skip }, async () => {
  const { page } = await openTab(LOOKS.en);
  await using _ = page;
  await page.goto(`${server.url}v2/transfer-service/create-transfer.html`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  const python = page.locator('summary', { hasText: 'Python' });
  await python.focus();
  await page.keyboard.press('Space');
  assert.ok(await page.getByText('from ppuri import connect').isVisible());
  assert.equal(await page.getByText("from '@ppuri/client'").isVisible(), false, 'one sample at a time');
  const stops = await page.evaluate(
    "[...document.querySelectorAll('nav a')].every((link) => link.tabIndex === 0)",
  );
  assert.equal(stops, true);
});

test('the files of npm run docs open without a server, and without a script', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-docs-'));
  try {
    const made = spawnSync(process.execPath, [join(ROOT, 'scripts/docs.ts'), '--out', folder], {
      encoding: 'utf8',
    });
    assert.equal(made.status, 0, made.stderr);
    const first = pathToFileURL(join(folder, 'index.html')).href;
    for (const javaScriptEnabled of [true, false]) {
      const { page, faults } = await openTab({ ...LOOKS.en, javaScriptEnabled });
      await using _ = page;
      await page.goto(first);
      await page.locator('main a', { hasText: 'GetOutcome' }).first().click();
      assert.equal(await page.locator('h1').textContent(), 'GetOutcome');
      assert.equal(await page.locator('.search').isVisible(), javaScriptEnabled);
      const back = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      assert.equal(back, 'rgb(255, 255, 255)');
      assert.deepEqual(faults, []);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
