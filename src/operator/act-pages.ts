// The two steps of an act: a page that asks for a reason, and what came of the form that it sends.
import { randomUUID } from 'node:crypto';
import type { AuditTrail } from '../domain/act.ts';
import { checkMemo } from '../domain/bounds.ts';
import { IS_REQUIRED } from '../domain/localized-text.ts';
import { Refusal, refuseField } from '../domain/refusal.ts';
import { type ActLine, auditedAct, listActs, spendNonce } from '../usecases/index.ts';
import { ACTS, type ActEntry, type ActRequest, targetsIn } from './acts.ts';
import { badge, moment } from './format.ts';
import { type Html, html } from './html.ts';
import { EVERY_ACT } from './pages/audit.ts';
import type { View, ViewContext, ViewEntry } from './view.ts';

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** Longer than a session lasts, so that a form works once while it works at all. */
const FORM_KEPT_MS = 24 * 3_600_000;
/** How many of the newest acts of an operator are searched for the one of a form that came twice. */
const SEARCHED_ACTS = 100;
const MAX_REASON = 200;

/** The pages that ask once more. */
export const ACT_VIEWS: readonly ViewEntry[] = ACTS.map((act) => ({
  name: act.name,
  path: new RegExp(`^/acts/${act.name}$`),
  requires: 'admin',
  make: async ({ operator, query, formToken }) => {
    const targets = targetsIn(act, query);
    return { title: act.title, body: confirmation(act, targets, operator.key.id, formToken) };
  },
}));

function confirmation(act: ActEntry, targets: readonly string[], keyId: string, formToken: string): Html {
  return html`${act.about(targets, keyId)}
<form action="/operator/acts/${act.name}" method="post">
<input type="hidden" name="form_token" value="${formToken}">
<input type="hidden" name="form_id" value="${randomUUID()}">
${targets.map((target) => html`<input type="hidden" name="target" value="${target}">`)}
${act.box === undefined ? '' : html`<p><label><input type="checkbox" name="box" value="yes"> ${act.box}</label></p>`}
<div class="field"><label for="reason">Reason, for the audit trail</label>
<input id="reason" name="reason" required maxlength="${MAX_REASON}" autocomplete="off"></div>
<button>${act.title}</button> <a href="${act.back}">Back, without doing it</a>
</form>`;
}

/** The act that a form is for; undefined where there is none. */
export function actAt(path: string): ActEntry | undefined {
  return ACTS.find(({ name }) => path === `/acts/${name}`);
}

/** Does what a form asks for, once, and says what came of it. */
export async function doAct(
  act: ActEntry,
  form: URLSearchParams,
  context: ViewContext,
  { trail, line }: { readonly trail: AuditTrail; readonly line: ActLine },
): Promise<View> {
  const { admin, core, operator } = context;
  const targets = targetsIn(act, form);
  const reason = (form.get('reason') ?? '').trim();
  if (reason === '') throw refuseField('INVALID_FIELD', 'reason', IS_REQUIRED);
  checkMemo(reason, 'reason');
  const formId = form.get('form_id') ?? '';
  if (!UUID.test(formId)) throw refuseField('INVALID_FIELD', 'form_id', IS_REQUIRED);
  const keyId = operator.key.id;
  const nonce = { keyId, nonce: `operator-page:${formId}`, edgeRequestId: '' };
  try {
    await spendNonce(core, nonce, FORM_KEPT_MS);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'NONCE_REUSED') return sentTwice(act, formId, context);
    throw error;
  }
  const request: ActRequest = { targets, isChecked: form.get('box') === 'yes', keyId, formId };
  const { words } = await auditedAct(
    trail,
    { ...line, actId: formId, rpc: act.rpc, target: targets.join(','), reason },
    {
      run: () => act.execute(admin, request),
      createdId: (result) => result.createdId,
      readState: act.readState?.(admin),
    },
  );
  const body = html`<div class="notice good" role="status"><p>${words}</p><p>On the audit trail: ${reason}</p></div><p><a href="${act.back}">Go on</a></p>`;
  return { title: `Done: ${act.title.toLowerCase()}`, body };
}

/** A form that came again: what the audit trail has of the first time. */
async function sentTwice(act: ActEntry, formId: string, { admin, operator }: ViewContext): Promise<View> {
  const filter = { ...EVERY_ACT, keyId: operator.key.id, rpc: act.rpc };
  const { items } = await listActs(admin, filter, 0n, SEARCHED_ACTS);
  const lines = items.filter(({ actId }) => actId === formId);
  const body = html`<div class="notice" role="status"><p>This form was sent before. Nothing was done a second time.</p>
${lines.length === 0 ? html`<p>The audit trail has no line of it: nothing was done the first time either, or it is about to be.</p>` : lines.map(({ outcome, occurredAt, reason }) => html`<p>${badge(outcome, 'plain')} ${moment(occurredAt)} ${reason}</p>`)}</div>
<p><a href="${act.back}">See how it stands</a></p>`;
  return { title: `Sent twice: ${act.title.toLowerCase()}`, body };
}
