// What all pages of the reference share: head, search, navigation.
import type { Reason } from '../../src/domain/reasons.ts';
import { type Content, type Html, html } from './html.ts';
import type { Header, Operation, Service } from './operations.ts';
import type { Language, Translate } from './words.ts';

/** What every page is made from. */
export interface Site {
  readonly language: Language;
  readonly t: Translate;
  readonly services: readonly Service[];
  readonly headers: readonly Header[];
}

/** A page. */
export interface Page {
  /** Its path below the folder of its language. */
  readonly path: string;
  readonly title: string;
  readonly content: Content;
}

/** The folder of a language. English is at the top. */
const FOLDER: Readonly<Record<Language, string>> = { en: '', ko: 'ko/' };
/** No script and no style but the site's own files, and nothing from anywhere else. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/** A name as paths have it: `TransferService` is `transfer-service`. */
const kebab = (name: string) => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

/** The path of an operation's page. */
export function pathOf({ version, service, name }: Pick<Operation, 'version' | 'service' | 'name'>): string {
  return `${version}/${kebab(service)}/${kebab(name)}.html`;
}

/** The path of what is said about a reason. */
export const pathOfReason = (reason: Reason) => `errors.html#${reason}`;

/** The path of a page below the folder of the site. */
export const sitePath = (language: Language, path: string) => `${FOLDER[language]}${path}`;

/** The way from a page up to the folder of its language. */
export const upFrom = (path: string) => '../'.repeat(path.split('/').length - 1) || './';

/** A whole page. */
export function printPage(site: Site, page: Page): string {
  const { language, t } = site;
  const base = upFrom(page.path);
  const root = language === 'en' ? base : `${base}../`;
  const other = language === 'en' ? 'ko' : 'en';
  const { html: text } = html`<!doctype html>
<html lang="${language}" data-base="${base}">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${CONTENT_SECURITY_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title} · ppuri</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${root}style.css">
<script src="${base}search.js" defer></script>
<script src="${root}page.js" defer></script>
</head>
<body>
<a class="skip" href="#main">${t('Skip to the content')}</a>
<header>
<a class="home" href="${base}index.html">${t('ppuri API reference')}</a>
<search class="search" hidden>
<input type="search" aria-label="${t('Search calls, fields and errors')}" placeholder="${t('Search calls, fields and errors')}" autocomplete="off">
<p class="status" role="status" data-found="${t('{count} results')}"></p>
<ul class="found" aria-label="${t('Search results')}" hidden></ul>
</search>
<a class="menu" href="#menu">${t('All calls')}</a>
<a href="${root}${sitePath(other, page.path)}" hreflang="${other}" lang="${other}">${other === 'ko' ? '한국어' : 'English'}</a>
</header>
<div class="columns">
<main id="main" tabindex="-1">
<h1>${page.title}</h1>
${page.content}
</main>
${navigation(site, page, base)}
</div>
</body>
</html>
`;
  return text;
}

function navigation({ services, t }: Site, { path }: Page, base: string): Html {
  const link = (to: string, name: string) =>
    html`<li><a href="${base}${to}"${to === path && html` aria-current="page"`}>${name}</a></li>\n`;
  return html`<nav id="menu" aria-label="${t('All calls')}">
<ul>
${link('index.html', t('How to call'))}${link('errors.html', t('Errors'))}</ul>
${services.map(
  ({ version, name, operations }) => html`<h2>wallet.${version} ${name}</h2>
<ul>
${operations.map((operation) => link(pathOf(operation), operation.name))}</ul>
`,
)}</nav>`;
}
