// Webhooks and what became of their events. Only where they lead to is shown of their addresses.
import { refuseField } from '../../domain/refusal.ts';
import type { Delivery } from '../../domain/webhook.ts';
import { recentDeliveries, type WebhookOverview, webhookOverviews } from '../../usecases/index.ts';
import { badge, facts, link, moment, table } from '../format.ts';
import { html } from '../html.ts';
import { UUID, type ViewEntry } from '../view.ts';

const SHOWN = 100;

export const WEBHOOKS: ViewEntry = {
  name: 'webhooks',
  path: /^\/webhooks$/,
  requires: 'admin',
  async make({ admin }) {
    const found = await webhookOverviews(admin, undefined, SHOWN);
    const head = ['Webhook', 'Key', 'Leads to', 'State', 'Undelivered', 'Waiting since'];
    const rows = found.map((webhook) => [
      html`<a href="/operator/webhooks/${webhook.id}"><code>${webhook.id}</code></a>`,
      link('keys', webhook.ownerKeyId),
      webhook.host,
      stateBadge(webhook),
      webhook.undelivered,
      moment(webhook.waitingSince, ''),
    ]);
    const body = html`<p>Those whose events wait longest come first${found.length === SHOWN ? `; the first ${SHOWN}` : ''}.</p>
${table('Webhooks', head, rows, 'There are no webhooks.')}`;
    return { title: 'Webhooks', body };
  },
};

export const WEBHOOK: ViewEntry = {
  name: 'webhook',
  path: new RegExp(`^/webhooks/(${UUID})$`),
  requires: 'admin',
  async make({ admin, id }) {
    const [webhook] = await webhookOverviews(admin, id, 1);
    if (!webhook) throw refuseField('WEBHOOK_NOT_FOUND', 'webhook_id');
    const deliveries = await recentDeliveries(admin, id, SHOWN);
    const head = ['Event', 'Type', 'State', 'Taken up', 'Attempts', 'Last attempt', 'Next attempt'];
    const body = html`${facts([
      ['Id', html`<code>${webhook.id}</code>`],
      ['Key', link('keys', webhook.ownerKeyId)],
      ['Leads to', webhook.host],
      ['State', stateBadge(webhook)],
      ['Paused', moment(webhook.pausedAt, 'no')],
      ['Made', moment(webhook.createdAt)],
      ['Undelivered', html`${webhook.undelivered}, since ${moment(webhook.waitingSince)}`],
      ['Left out', leftOut(webhook)],
    ])}
<p><a href="/operator/acts/resume-webhook?target=${webhook.id}">${webhook.pauseReason === undefined ? 'Try at once what failed' : 'Resume it'}</a></p>
<h2>Newest deliveries</h2>
${table('Deliveries', head, deliveries.map(row), 'Nothing was sent yet.')}
<p class="hint">Its owner, too, lets a paused webhook go on, with UpdateWebhook, and has events sent again with RedeliverEvents.</p>`;
    return { title: 'Webhook', body };
  },
};

function leftOut({ expired }: WebhookOverview) {
  return expired ? `events ${expired.first} to ${expired.last}, which were kept no longer` : 'nothing';
}

function stateBadge({ pauseReason, isHeld }: WebhookOverview) {
  if (pauseReason !== undefined)
    return badge(`paused: ${pauseReason}`, pauseReason === 'owner' ? 'plain' : 'bad');
  return isHeld ? badge('active', 'good') : badge('active, no worker sends', 'bad');
}

function row({ eventId, type, state, createdAt, attemptCount, attempts, nextAttemptAt }: Delivery) {
  const last = attempts.at(-1);
  return [
    html`<code>${eventId}</code>`,
    type,
    badge(
      state,
      state === 'delivered' ? 'good' : state === 'retrying' || state === 'expired' ? 'bad' : 'plain',
    ),
    moment(createdAt),
    attemptCount,
    last ? html`${last.status || 'no answer'} ${last.error} <span class="hint">${last.tookMs} ms</span>` : '',
    moment(nextAttemptAt, ''),
  ];
}
