// The audit trail: who did what, and what was refused.
import { type KeptAct, listActs } from '../../usecases/index.ts';
import { badge, json, link, moment, next, pathWith, table } from '../format.ts';
import { html, type Value } from '../html.ts';
import type { ViewEntry } from '../view.ts';

/** All lines. */
export const EVERY_ACT = {
  keyId: '',
  rpc: '',
  target: '',
  requestId: '',
  from: undefined,
  before: undefined,
};
export const HEAD_OF_ACTS = ['When', 'What', 'Outcome', 'Target', 'By', 'Reason', 'Before and after'];
const PAGE_SIZE = 50;
const GOOD: ReadonlySet<string> = new Set(['done', 'attempted']);
/** The longest of each field of the trail. */
const MAX_FILTER = 200;

export const AUDIT: ViewEntry = {
  name: 'audit',
  path: /^\/audit$/,
  requires: 'admin',
  async make({ admin, query }) {
    const given = (name: string) => (query.get(name) ?? '').slice(0, MAX_FILTER).replaceAll('\0', '');
    const filters = { key: given('key'), target: given('target'), request: given('request') };
    const { key: keyId, target, request: requestId } = filters;
    const after = /^\d{1,18}$/.exec(query.get('after') ?? '')?.[0] ?? '0';
    const page = await listActs(admin, { ...EVERY_ACT, keyId, target, requestId }, BigInt(after), PAGE_SIZE);
    const field = (name: keyof typeof filters, title: string) =>
      html`<div class="field"><label for="${name}">${title}</label><input id="${name}" name="${name}" maxlength="${MAX_FILTER}" value="${filters[name]}"></div>`;
    const body = html`<form action="/operator/audit" method="get">
${field('key', 'Only of this key')}${field('target', 'Only on this target')}${field('request', 'Only of this request id')}
<button>Show</button>
</form>
${table('Acts', HEAD_OF_ACTS, actRows(page.items), 'No line matches.')}
${next(page.next === undefined ? undefined : pathWith('audit', { ...filters, after: String(page.next) }))}`;
    return { title: 'Audit trail', body };
  },
};

/** Lines of the trail as rows under HEAD_OF_ACTS. */
export function actRows(acts: readonly KeptAct[]): Value[][] {
  return acts.map((act) => [
    moment(act.occurredAt),
    html`<code>${act.rpc}</code>`,
    html`${badge(act.outcome, GOOD.has(act.outcome) ? 'plain' : 'bad')}${act.count > 1 ? ` ${act.count} times` : ''}`,
    act.target,
    html`${act.keyId === '' ? '' : link('keys', act.keyId)} ${act.actor} ${act.clientAddress}`,
    act.reason,
    act.before === '' && act.after === ''
      ? ''
      : html`<details><summary>show</summary>${json(act.before)}${json(act.after)}</details>`,
  ]);
}
