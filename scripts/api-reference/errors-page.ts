// The page of all errors: what each means, what to do, and which calls can be refused with it.
import { adviceFor } from '../../src/domain/advice.ts';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';
import { httpStatusOf } from '../contracts/errors-page.ts';
import { ANY_CALL, ANY_REST_CALL, NO_CALL } from '../contracts/reasons.ts';
import { type Html, html, inline, prose } from './html.ts';
import { type Page, pathOf, type Site } from './layout.ts';

/** The page. */
export function errorsPage(site: Site): Page {
  const { t } = site;
  const list = (reasons: readonly Reason[]) =>
    html`<dl class="fields">\n${reasons.map((reason) => entry(site, reason))}</dl>`;
  const content = html`${prose(t(ERRORS_INTRO))}
<h2 id="any-call">${t('Any call can be refused for these')}</h2>
${list(ANY_CALL)}
<h2 id="any-rest-call">${t('Over REST also for these')}</h2>
${list(ANY_REST_CALL)}
<h2 id="no-call">${t('Where there is no such call')}</h2>
${list(NO_CALL)}
<h2 id="some-calls">${t('Some calls are refused for these')}</h2>
${list(reasonsOfCalls(site))}`;
  return { path: 'errors.html', title: t('Errors'), content };
}

/** The shape of errors and how to use it. */
const ERRORS_INTRO =
  'Every answer that is not OK is a `google.rpc.Status`, over gRPC and REST alike. Its `ErrorInfo` has the `reason`, and in `metadata.code` one of ten codes, ERR001 to ERR010. Let programs decide by the reason or the code, never by the words: reasons are added over time, codes stay.\n\n`BadRequest` names each field or header that is wrong. `RetryInfo` (over REST also `Retry-After`) says how long to wait. `LocalizedMessage` is for people, in English, or in Korean with `accept-language: ko`.';

/** The reasons that calls declare, in the order of the table of all reasons. */
function reasonsOfCalls({ services }: Site): Reason[] {
  const declared = new Set(
    services.flatMap(({ operations }) => operations.flatMap(({ reasons }) => reasons)),
  );
  return (Object.keys(REASONS) as Reason[]).filter((reason) => declared.has(reason));
}

/** The reasons on the page. */
export const reasonsOn = (site: Site): readonly Reason[] => [
  ...[...ANY_CALL, ...ANY_REST_CALL, ...NO_CALL],
  ...reasonsOfCalls(site),
];

function entry({ t, language, services }: Site, reason: Reason): Html {
  const { code, status } = REASONS[reason];
  const calls = services.flatMap(({ operations }) =>
    operations.filter(({ reasons }) => reasons.includes(reason)),
  );
  return html`<div id="${reason}"><dt><code>${reason}</code> <span class="type">${code}, HTTP ${httpStatusOf(reason)}, gRPC ${status}</span></dt>
<dd><p>${REASONS[reason][language]}</p><p>${inline(t(adviceFor(reason)))}</p>${
    calls.length > 0 &&
    html`<ul>${calls.map((call) => html`<li><a href="${pathOf(call)}#${reason}">${call.version} ${call.name}</a></li>`)}</ul>`
  }</dd></div>
`;
}
