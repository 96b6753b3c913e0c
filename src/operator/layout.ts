// The frame of every page: head, search, menu, and who is signed in.
import { type Html, html } from './html.ts';
import { may, type Operator, type Required } from './view.ts';

/** What the frame shows of a session; undefined where nobody is signed in. */
export interface Frame {
  readonly operator: Operator;
  readonly formToken: string;
  /** What was searched. */
  readonly searched: string;
}

const MENU: readonly { readonly path: string; readonly title: string; readonly requires: Required }[] = [
  { path: '/operator', title: 'State', requires: 'any' },
  { path: '/operator/dead-letters', title: 'Dead letters', requires: 'admin' },
  { path: '/operator/recovery', title: 'Backups', requires: 'admin' },
  { path: '/operator/keys', title: 'Keys', requires: 'admin' },
  { path: '/operator/webhooks', title: 'Webhooks', requires: 'admin' },
  { path: '/operator/audit', title: 'Audit', requires: 'admin' },
];

/** A whole page. */
export function layout(title: string, body: Html, frame: Frame | undefined): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ppuri</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/operator/style.css">
</head>
<body>
<a class="skip" href="#main">To the content</a>
${frame ? header(frame) : html`<header><p class="name">ppuri</p></header>`}
<main id="main" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
  return page.toString();
}

function header({ operator, formToken, searched }: Frame): Html {
  const { key } = operator;
  const items = MENU.filter(({ requires }) => may(operator, requires));
  return html`<header>
<p class="name">ppuri</p>
<nav aria-label="Pages"><ul>${items.map(({ path, title }) => html`<li><a href="${path}">${title}</a></li>`)}</ul></nav>
<form class="search" role="search" action="/operator/search" method="get">
<label for="q">Find</label>
<input id="q" name="q" type="search" maxlength="200" autocomplete="off" spellcheck="false" required
 value="${searched}" aria-describedby="q-help">
<button>Find</button>
<p id="q-help" class="hint">An id of a transfer, wallet, hold, gift, user, payout or key; a request id; or USER_ID/IDEMPOTENCY_KEY</p>
</form>
<form class="who" action="/operator/sign-out" method="post">
<input type="hidden" name="form_token" value="${formToken}">
<span>${key.displayName} <code>${key.id}</code></span> <button>Sign out</button>
</form>
</header>`;
}
