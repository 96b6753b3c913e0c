// The page of one call: what it takes and answers, why it can be refused, a real example of each, and code that makes it.
import type { JsonValue } from '@bufbuild/protobuf';
import { adviceFor } from '../../src/domain/advice.ts';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';
import { httpStatusOf } from '../contracts/errors-page.ts';
import { type Html, html, inline, prose } from './html.ts';
import { type Page, pathOf, pathOfReason, type Site, upFrom } from './layout.ts';
import type { Example, Field, Operation } from './operations.ts';
import { restCallOf } from './rest-call.ts';
import { samplesOf } from './samples.ts';
import type { Translate } from './words.ts';

/** The page of an operation. */
export function operationPage(site: Site, operation: Operation): Page {
  const { t } = site;
  const { request, choice, answer, answerDescription, examples } = operation;
  const path = pathOf(operation);
  const content = html`${prose(t(operation.description))}
${facts(site, operation)}
<h2 id="request">${t('Request')}</h2>
${choice && prose(choiceText(t, choice))}
${fields(t, request, t('This call has no fields.'))}
<h2 id="answer">${t('Answer')}</h2>
${prose(t(answerDescription.replace(STREAM, '')))}
${operation.isFile ? prose(t(FILE_WORDS)) : operation.isStream && prose(t(STREAM_WORDS))}
${!operation.isFile && fields(t, answer, t('The answer has no fields.'))}
${examples.done && example(operation, examples.done, t)}
<h2 id="errors">${t('Errors')}</h2>
${errors(site, operation)}`;
  return { path, title: operation.name, content };
}

/** What was called and answered, and how to call it in code. */
function example(operation: Operation, done: Example, t: Translate): Html {
  const samples = samplesOf(operation, done).map(
    (
      { title, code },
      index,
    ) => html`<details name="code"${index === 0 && html` open`}><summary>${title}</summary>
${block(code)}</details>
`,
  );
  return html`<h2 id="example">${t('Example')}</h2>
${exchange(operation, done, t)}
<h2 id="code">${t('In code')}</h2>
${samples}
`;
}

/** The sentence that the OpenAPI documents put behind the description of a stream's messages. */
const STREAM = / ?A stream: .*$/s;
const STREAM_WORDS =
  'The answer is a stream of such messages. Over REST each is a line of JSON (NDJSON), and the connection stays open.';
const FILE_WORDS =
  'Over REST the file is the body. Over gRPC it comes in pieces, messages of google.api.HttpBody, whose `data` put together is the file.';

function facts({ t }: Site, operation: Operation): Html {
  const { routes, rpc, scope, headers, cost } = operation;
  const fact = (name: string, value: Html | readonly Html[]) => html`<dt>${name}</dt><dd>${value}</dd>\n`;
  return html`<dl class="facts">
${fact(
  'REST',
  routes.map(({ method, path }) => html`<code>${method} ${path}</code><br>`),
)}${fact('gRPC', html`<code>${rpc}</code>`)}${fact(t('Scope of the key'), html`<code>${scope}</code>`)}${fact(
  t('Headers'),
  html`<a href="${upFrom(pathOf(operation))}index.html#headers">${headers.join(', ')}</a>`,
)}${cost && fact(t('Cost'), html`${costText(t, cost)}`)}</dl>`;
}

/** The sentence about the cost, of which there are two kinds. */
function costText(t: Translate, cost: string): string {
  const units = /^Takes (\d+) units/.exec(cost)?.[1];
  if (units) return t('{units} units of the rate limits', { units });
  const [, items = '', field = ''] = /begun (\d+) of `(\w+)`/.exec(cost) ?? [];
  return t('one unit of the rate limits for each {items} of {field}, or part of them', { items, field });
}

function choiceText(t: Translate, choice: string): string {
  const [, howMany = '', names = ''] = /^(Exactly|At most) one of (.*)\.$/.exec(choice) ?? [];
  return t(`${howMany} one of {names}.`, { names: names.replace(/\w+/g, '`$&`') });
}

function fields(t: Translate, all: readonly Field[], none: string): Html {
  if (all.length === 0) return html`<p>${none}</p>`;
  return html`<dl class="fields">
${all.map(
  ({
    path,
    type,
    isRequired,
    description,
    choice,
    values,
  }) => html`<div><dt><code>${path}</code> <span class="type">${t(type)}${isRequired && `, ${t('required')}`}</span></dt>
<dd>${prose(t(description))}${choice && prose(choiceText(t, choice))}${values.length > 0 && html`<ul>${values.map(({ name, meaning }) => html`<li><code>${name}</code>${meaning && html`: ${inline(t(meaning))}`}</li>`)}</ul>`}</dd></div>
`,
)}</dl>`;
}

const block = (text: string) => html`<pre tabindex="0"><code>${text}</code></pre>`;

const pretty = (value: JsonValue | object) => JSON.stringify(value, undefined, 2);

/** A request and its answer as they are over REST. */
function exchange(operation: Operation, example: Example, t: Translate, reason?: Reason): Html {
  const { identity, request, answers } = example;
  const route = operation.routes[0];
  if (!route) throw new Error(`${operation.rpc} has no route`);
  const { method, path, body } = restCallOf(route, request);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(identity.userId === undefined ? [] : [`x-user-id: ${identity.userId}`]),
    ...(identity.roomId === undefined ? [] : [`x-room-id: ${identity.roomId}`]),
    ...(identity.idempotencyKey === undefined ? [] : [`idempotency-key: ${identity.idempotencyKey}`]),
    ...(body ? ['content-type: application/json', 'content-digest: sha-256=:…:'] : []),
    'signature-input: sig1=(…)',
    'signature: sig1=:…:',
    ...(body ? ['', pretty(body)] : []),
  ];
  const status = reason ? httpStatusOf(reason) : 200;
  // The messages of a stream stand on one line each.
  const answered =
    operation.isStream && !reason ? answers.map((one) => JSON.stringify(one)) : answers.map(pretty);
  return html`<h3>${t('Request')}</h3>
${block(lines.join('\n'))}
<h3>${t('Answer')}</h3>
${block([`HTTP/1.1 ${status}`, '', ...answered].join('\n'))}`;
}

function errors(site: Site, operation: Operation): Html {
  const { t, language } = site;
  const base = upFrom(pathOf(operation));
  return html`<p>${t('Besides those that any call can be refused for:')} <a href="${base}errors.html#any-call">${t('errors of any call')}</a></p>
${operation.reasons.map((reason) => {
  const { code, status } = REASONS[reason];
  const example = operation.examples.refused[reason];
  return html`<details id="${reason}"><summary><code>${reason}</code> ${REASONS[reason][language]}</summary>
<p>${code}, HTTP ${httpStatusOf(reason)}, gRPC ${status}. ${inline(t(adviceFor(reason)))} <a href="${base}${pathOfReason(reason)}">${t('More about {reason}', { reason })}</a></p>
${example && exchange(operation, example, t, reason)}
</details>
`;
})}`;
}
