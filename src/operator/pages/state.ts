// The first page: what this server depends on, jobs, backups, refusals and limits.
import { REASONS } from '../../domain/reasons.ts';
import { nextRunAfter } from '../../domain/schedule.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import { getStatistics, type JobView, listActs, listJobs, oldestDue } from '../../usecases/index.ts';
import { badge, facts, moment, pathWith, seconds, table } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ViewContext, ViewEntry } from '../view.ts';
import { actRows, EVERY_ACT, HEAD_OF_ACTS } from './audit.ts';
import { backupsSummary } from './recovery.ts';

const DAY_MICROS = 24 * 3_600_000 * MICROS_PER_MS;
/** How many of the newest lines of the audit trail are searched for refusals, and how many of those are shown. */
const SEARCHED_ACTS = 100;
const SHOWN_ACTS = 10;

export const STATE: ViewEntry = {
  name: 'state',
  path: /^$/,
  requires: 'any',
  async make(context) {
    const now = Date.now() * MICROS_PER_MS;
    const body = html`${dependencies(context)}
${context.operator.isAdmin ? await forAdmins(context, now) : html`<p>Find a transfer, wallet, user or payout above. Jobs, backups, keys and the audit trail need a key with the scope <code>admin</code>.</p>`}`;
    return { title: 'State', body };
  },
};

function dependencies({ state }: ViewContext): Html {
  const rows = state
    .dependencies()
    .map(({ name, state: text, isWell }) => [name, badge(text, isWell ? 'good' : 'bad')] as const);
  return html`<h2>This server and what it depends on</h2>${facts(rows)}`;
}

async function forAdmins(context: ViewContext, now: Micros): Promise<Html> {
  const { admin, state } = context;
  const [jobs, dueSeconds, backups, calls, acts] = await admin.readTogether((reads) =>
    Promise.all([
      listJobs(reads),
      oldestDue(reads),
      backupsSummary(reads, now),
      getStatistics(reads, {
        measure: 'calls',
        period: 'hour',
        from: now - DAY_MICROS,
        before: now,
        label: '',
      }),
      listActs(reads, EVERY_ACT, 0n, SEARCHED_ACTS),
    ]),
  );
  const dead = jobs.reduce((sum, { deadLetters }) => sum + deadLetters, 0n);
  const refused = acts.items.filter(({ outcome }) => REFUSALS.has(outcome)).slice(0, SHOWN_ACTS);
  return html`<h2>Jobs</h2>
${facts([
  ['Oldest work that is due', dueSeconds === 0 ? badge('none', 'good') : `waits for ${seconds(dueSeconds)}`],
  [
    'Dead letters',
    dead === 0n
      ? badge('none', 'good')
      : html`<a href="/operator/dead-letters">${badge(String(dead), 'bad')}</a>`,
  ],
])}
${table(
  'Jobs',
  ['Job', 'State', 'Last run', 'Next run', 'Waiting', 'Dead letters', 'Runs, failures'],
  jobs.map((job) => jobRow(job, now)),
  'There are no jobs.',
)}
<h2>Backups and drills</h2>
${backups}
<h2>Refusals</h2>
<p class="hint">Answers of all servers in the last 24 hours, by code, as far as the job aggregate-statistics has counted: whole hours, five minutes after each. docs/errors.md says what each code means.</p>
${table('Answers by code', ['Code', 'Calls', 'Reasons'], codeRows(calls), 'No hour is counted yet.')}
<p class="hint">Refusals of keys and strangers among the newest ${SEARCHED_ACTS} lines of the audit trail. The trail samples them: a line can stand for many calls.</p>
${table('Refusals', HEAD_OF_ACTS, actRows(refused), 'None among them.')}
<h2>Limits of this server</h2>
${facts(state.limits.map(({ name, value }) => [name, value] as const))}`;
}

const REFUSALS: ReadonlySet<string> = new Set(['refused', 'denied', 'unauthenticated', 'failed', 'dropped']);

function jobRow(job: JobView, now: Micros) {
  const { name, entry, pausedAt, lastStartedAt, lastEndedAt, lastError, runs, failures } = job;
  const isPaused = pausedAt !== undefined;
  const act = isPaused ? 'resume-job' : 'pause-job';
  const title = isPaused ? 'Resume' : 'Pause';
  return [
    html`<code>${name}</code><br><span class="hint">${entry.about}</span>`,
    html`${isPaused ? html`${badge('paused', 'bad')}<br>${moment(pausedAt)}` : badge('active', 'good')}<br>
<a href="${pathWith(`acts/${act}`, { target: name })}">${title}<span class="hidden"> ${name}</span></a>`,
    html`${moment(lastEndedAt ?? lastStartedAt, 'never')}${lastError === '' ? '' : html`<br>${badge('failed', 'bad')} ${lastError}`}`,
    isPaused
      ? 'when it is resumed'
      : html`${moment(nextRunAfter(entry.schedule, now), 'on request')}${late(job, now)}`,
    job.waiting,
    job.deadLetters === 0n
      ? '0'
      : html`<a href="${pathWith('dead-letters', { job: name })}">${job.deadLetters}</a>`,
    `${runs}, ${failures}`,
  ];
}

/** How long a run is overdue, if it is: a run is noted when it ends, so a long one looks late while it runs. */
function late({ entry, lastStartedAt }: JobView, now: Micros): Html {
  if (lastStartedAt === undefined) return html``;
  const due = nextRunAfter(entry.schedule, lastStartedAt);
  const lateSeconds = due === undefined ? 0 : (now - due) / MICROS_PER_MS / 1000;
  return lateSeconds < LATE_SECONDS ? html`` : html`<br>${badge(`due for ${seconds(lateSeconds)}`, 'bad')}`;
}

/** Schedules, queues and runs take moments; only more than this is late. */
const LATE_SECONDS = 60;

function codeRows(calls: readonly { readonly label: string; readonly value: number }[]) {
  const counts = Map.groupBy(calls, ({ label }) => label);
  return [...counts]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([code, figures]) => [
      html`<code>${code}</code>`,
      figures.reduce((sum, { value }) => sum + value, 0),
      Object.entries(REASONS)
        .filter(([, entry]) => entry.code === code)
        .map(([reason]) => reason)
        .join(', '),
    ]);
}
