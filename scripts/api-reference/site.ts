// The API reference as files: pages in each language, a style sheet, a script and the OpenAPI documents.
import { readFileSync } from 'node:fs';
import { adviceFor } from '../../src/domain/advice.ts';
import { REASONS } from '../../src/domain/reasons.ts';
import { errorsPage, reasonsOn } from './errors-page.ts';
import { guidePage } from './guide-page.ts';
import { firstSentence } from './html.ts';
import { type Page, pathOf, pathOfReason, printPage, type Site, sitePath } from './layout.ts';
import { operationPage } from './operation-page.ts';
import { openApiText, readHeaders, readServices, VERSIONS } from './operations.ts';
import { LANGUAGES, type TextWatch, translator } from './words.ts';

const PAGE = new URL('page/', import.meta.url);

/** The files by their paths. */
export function apiReference(watch: TextWatch = {}): Map<string, string> {
  const files = new Map(
    ['style.css', 'page.js'].map((name) => [name, readFileSync(new URL(name, PAGE), 'utf8')]),
  );
  for (const version of VERSIONS) files.set(`wallet.${version}.json`, openApiText(version));
  const [services, headers] = [readServices(), readHeaders()];
  for (const language of LANGUAGES) {
    const site = { language, t: translator(language, watch), services, headers };
    for (const page of pagesOf(site)) files.set(sitePath(language, page.path), printPage(site, page));
    files.set(sitePath(language, 'search.js'), searchEntries(site));
  }
  return files;
}

function pagesOf(site: Site): Page[] {
  const operations = site.services.flatMap((service) => service.operations);
  return [
    guidePage(site),
    errorsPage(site),
    ...operations.map((operation) => operationPage(site, operation)),
  ];
}

/** What the search looks through: calls with their fields and reasons, and every error. */
function searchEntries(site: Site): string {
  const { services, t, language } = site;
  const calls = services.flatMap(({ operations }) =>
    operations.map((operation) => ({
      title: operation.name,
      about: `wallet.${operation.version}: ${firstSentence(t(operation.description))}`,
      href: pathOf(operation),
      text: [
        operation.rpc,
        ...operation.routes.map(({ path }) => path),
        ...operation.reasons,
        ...[...operation.request, ...operation.answer].map(({ path }) => path),
      ].join(' '),
    })),
  );
  const errors = reasonsOn(site).map((reason) => ({
    title: reason,
    about: REASONS[reason][language],
    href: pathOfReason(reason),
    text: `${REASONS[reason].code} ${t(adviceFor(reason))}`,
  }));
  return `globalThis.ppuriSearch = ${JSON.stringify([...calls, ...errors])};\n`;
}
