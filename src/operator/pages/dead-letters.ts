// Dead letters: jobs that failed as often as they were tried.
import { JOB_NAMES } from '../../domain/jobs.ts';
import { type DeadLetter, listDeadLetters } from '../../usecases/index.ts';
import { json, moment, next, pathWith, table } from '../format.ts';
import { html } from '../html.ts';
import type { ViewEntry } from '../view.ts';

const PAGE_SIZE = 50;
/** The use case lists no more. */
const MAX_LISTED = 1_000;

export const DEAD_LETTERS: ViewEntry = {
  name: 'dead-letters',
  path: /^\/dead-letters$/,
  requires: 'admin',
  async make({ admin, query }) {
    const job = JOB_NAMES.find((name) => name === query.get('job')) ?? '';
    const letters = await listDeadLetters(admin, job);
    const start = Number(/^\d{1,4}$/.exec(query.get('from') ?? '')?.[0] ?? 0);
    const shown = letters.slice(start, start + PAGE_SIZE);
    const end = start + shown.length;
    const count = `${letters.length}${letters.length === MAX_LISTED ? ' or more' : ''}`;
    const body = html`<p>${letters.length === 0 ? '' : `${start + 1} to ${end} of ${count}, newest first. `}${job === '' ? '' : html`Only of <code>${job}</code>; <a href="/operator/dead-letters">all</a>.`}</p>
<form action="/operator/acts/replay-dead-letters" method="get">
${table('Dead letters', ['Replay', 'Job', 'Failed', 'Attempts', 'Error', 'Payload'], shown.map(row), 'There are none: every job was done, or is still tried.')}
${shown.length === 0 ? '' : html`<p><button>Replay the chosen ones …</button></p>`}
</form>
${next(end < letters.length ? pathWith('dead-letters', { job, from: String(end) }) : undefined)}`;
    return { title: 'Dead letters', body };
  },
};

function row({ id, job, failedAt, attempts, error, data }: DeadLetter) {
  return [
    html`<label><input type="checkbox" name="target" value="${id}"> ${id}</label>`,
    html`<code>${job}</code>`,
    moment(failedAt),
    attempts,
    error,
    json(data),
  ];
}
