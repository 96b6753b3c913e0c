// Escaping, values as they are shown, and when jobs run next.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Act } from '../../src/domain/act.ts';
import type { ApiKey } from '../../src/domain/api-key.ts';
import { JOB_NAMES, jobEntry } from '../../src/domain/jobs.ts';
import { nextRunAfter } from '../../src/domain/schedule.ts';
import { moment, money, seconds, size } from '../../src/operator/format.ts';
import { html } from '../../src/operator/html.ts';
import { createSignIn } from '../../src/operator/sign-in.ts';

test('every value is escaped, in lists and attributes too, unless html made it', () => {
  const evil = `<script>alert("1")</script>'&\0`;
  const escaped = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;\ufffd';
  assert.equal(
    html`<p title="${evil}">${[evil, html`<b>${evil}</b>`]}</p>`.toString(),
    `<p title="${escaped}">${escaped}<b>${escaped}</b></p>`,
  );
  assert.equal(html`${undefined}${0}${7n}`.toString(), '07');
  // What a stored JSON can look like is no HTML.
  const likeHtml = { toString: () => '<b>' } as unknown as string;
  assert.throws(() => html`${likeHtml}`.toString());
});

test('amounts have the digits of their currency, moments are in UTC', () => {
  assert.equal(money(1_234_567n, 'KRW'), '1,234,567 KRW');
  assert.equal(money(-1_234_567n, 'USD'), '−12,345.67 USD');
  assert.equal(money(5n, 'EUR'), '0.05 EUR');
  assert.equal(money(0n, 'JPY'), '0 JPY');
  assert.match(moment(1_764_158_400_000_000).toString(), />2025-11-26 12:00:00\.000 UTC</);
  assert.equal(moment(undefined, 'never').toString(), 'never');
  assert.equal(moment(Number.MAX_VALUE).toString(), '–');
  assert.deepEqual([seconds(3), seconds(600), seconds(90_000)], ['3.0 s', '10 min', '25 h']);
  assert.deepEqual([size(0), size(1_500), size(2e9)], ['0 B', '1.5 kB', '2.0 GB']);
});

test('every schedule of the table of jobs has a next run, in UTC', () => {
  const at = (text: string) => Date.parse(text) * 1000;
  const now = at('2026-11-26T04:30:00Z');
  for (const name of JOB_NAMES) {
    const { schedule } = jobEntry(name);
    const next = nextRunAfter(schedule, now);
    assert.equal(next !== undefined && next > now, schedule !== undefined, name);
  }
  const nextOf = (pattern: string) => nextRunAfter({ pattern }, now);
  assert.equal(nextOf('0 30 4 * * *'), at('2026-11-27T04:30:00Z'));
  assert.equal(nextOf('0 31 4 * * *'), at('2026-11-26T04:31:00Z'));
  assert.equal(nextOf('0 20 * * * *'), at('2026-11-26T05:20:00Z'));
  assert.equal(nextRunAfter({ everyMs: 1000 }, now + 1), now + 1_000_000);
});

test('ten wrong secrets, then one more for each six seconds, with the right one too; other addresses go on', () => {
  let nowMs = 0;
  const lines: Act[] = [];
  const key = { ...KEY, scopes: ['admin'] } as unknown as ApiKey;
  const known = {
    key,
    verifying: { kind: 'hmac-sha256', secret: Buffer.from('right') },
    allows: () => true,
  } as const;
  const { check } = createSignIn({
    ring: { find: (id) => (id === KEY.id ? known : undefined), used: () => {} },
    allowsGlobally: () => true,
    trail: { sample: (act) => lines.push(act) },
    now: () => nowMs,
  });
  const kindOf = (id: string, secret: string, from = '10.0.0.1') => Object.keys(check(id, secret, from))[0];
  const wrong = Array.from({ length: 11 }, (_, index) =>
    kindOf(index % 2 === 0 ? KEY.id : 'ppk_none', 'guess'),
  );
  assert.deepEqual(wrong, [...Array(10).fill('refused'), 'waitMs']);
  assert.equal(kindOf(KEY.id, 'right'), 'waitMs');
  assert.equal(kindOf(KEY.id, 'right', '10.0.0.2'), 'operator');
  nowMs += 6_000;
  assert.equal(kindOf(KEY.id, 'right'), 'operator');
  assert.deepEqual([kindOf('', ''), kindOf('a', 'right')], ['refused', 'waitMs']);
  assert.equal(lines.length, 11);
  assert.ok(!JSON.stringify(lines).includes('guess'));
});

const KEY = {
  ...{ id: 'ppk_live_a', displayName: 'a', kind: 'hmac-sha256', userId: undefined, allowedNetworks: [] },
  ...{ activeFrom: 0, revokedAt: undefined, expiresAt: undefined },
} as const;
