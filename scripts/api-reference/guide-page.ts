// The first page: what a stranger has to know before the first call, and all calls in a list.
import { IDEMPOTENCY_PROMISE } from '../../src/domain/promise.ts';
import { firstSentence, type Html, html, inline, prose } from './html.ts';
import { type Page, pathOf, type Site } from './layout.ts';

/** What holds for all calls: a heading, and what stands below it. */
const SECTIONS: readonly { readonly id: string; readonly title: string; readonly text: string }[] = [
  {
    id: 'first-call',
    title: 'A first call',
    text: 'Start ppuri with `npm start`. REST is then at `http://127.0.0.1:8080` and gRPC at `127.0.0.1:50051`. Users 1001 to 1005 have 100,000 won each. In a second terminal, `npm run curl -- /api/v1/wallet/balance --user 1001` asks for a balance over REST, and `npm run call` makes calls over gRPC. Both sign with a demo key.\n\nThe clients in `clients/typescript` and `clients/python` sign their calls too. Each call of this reference is shown with all four.',
  },
  {
    id: 'versions',
    title: 'Two versions',
    text: 'wallet.v1 is the simple one: each user has one wallet, and all amounts are whole Korean won. wallet.v2 has several wallets for each user, four currencies, payouts and transfers in batches. Both work on the same money: the wallet of v1 is the default wallet of v2.',
  },
  {
    id: 'signing',
    title: 'Every call is signed',
    text: 'A call carries an HTTP Message Signature (RFC 9421) of an API key, in the headers `signature-input` and `signature`. It covers the method, the path, the query, the digest of the body and the headers below, so nobody on the way can change them. Each attempt needs a new signature, because a nonce is accepted once. docs/signing.md has all of it, with examples in curl and Python.\n\nA key has scopes: `read` to read, `pay` to move money between users and to change users and rooms, `fund` to bring money in and take it out, `events` to read the events of all users and to set up webhooks.',
  },
  {
    id: 'values',
    title: 'Money, numbers and times',
    text: 'Amounts are whole numbers in the smallest unit of their currency: won for KRW, cents for USD and EUR, yen for JPY. Numbers of 64 bits are strings in JSON, because many programs lose digits beyond 2^53; requests may send them as numbers too. Times are UTC (RFC 3339) with microseconds: `2026-01-05T00:30:00.250731Z`. An id is a UUID, a user id a number that the caller chooses.',
  },
  {
    id: 'retries',
    title: 'Retries are safe',
    text: `Calls that move money carry an \`idempotency-key\`: a name for the one intent, the same on every retry. ${IDEMPOTENCY_PROMISE}`,
  },
  {
    id: 'lists',
    title: 'Lists come in pages',
    text: 'A list answers with up to `page_size` elements and a `next_page_token`. Send it as `page_token` with the same other fields to get the next page. An empty token means that the page was the last one.',
  },
  {
    id: 'limits',
    title: 'Rate limits',
    text: 'Each API key, user and address has a limit of units a second, and twice as many at once. A call costs one unit unless its page says more. Over REST each answer says in `ratelimit` how much is left. Above a limit the answer is RATE_LIMITED, with the time to wait in `RetryInfo` and `Retry-After`.',
  },
];

/** The page. */
export function guidePage({ t, language, headers, services }: Site): Page {
  const root = language === 'en' ? '' : '../';
  const content = html`${prose(t('ppuri holds people’s money and moves it: wallets, transfers, holds, gifts, refunds, payouts, and sprinkles, which drop an amount into a chat room where the first members each claim a share.'))}
${SECTIONS.map(({ id, title, text }) => html`<h2 id="${id}">${t(title)}</h2>\n${prose(t(text))}\n`)}
<h2 id="headers">${t('Headers')}</h2>
<dl class="fields">
${headers.map(({ name, description }) => html`<div><dt><code>${name}</code></dt><dd>${prose(t(description))}</dd></div>\n`)}</dl>
<h2 id="openapi">OpenAPI</h2>
<p>${t('For tools:')} <a href="${root}wallet.v2.json">wallet.v2.json</a>, <a href="${root}wallet.v1.json">wallet.v1.json</a></p>
<h2 id="calls">${t('All calls')}</h2>
${services.map(
  ({ version, name, description, operations }): Html => html`<h3>wallet.${version} ${name}</h3>
${prose(t(description))}
<ul>
${operations.map((operation) => html`<li><a href="${pathOf(operation)}">${operation.name}</a>: ${inline(firstSentence(t(operation.description)))}</li>\n`)}</ul>
`,
)}`;
  return { path: 'index.html', title: t('How to call ppuri'), content };
}
