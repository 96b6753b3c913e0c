// The examples of webhooks, and a refusal for each of their reasons.
import type { Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { NO_ID, textIn } from './people.ts';
import type { Recorder } from './recorder.ts';

const SERVICE = 'wallet.v2.WebhookService';
const URL = 'https://books.example.com/hooks/ppuri';

/** A webhook for the books, which is changed, tried out and in the end deleted. */
export async function webhooks(record: Recorder, stack: Stack): Promise<void> {
  const asked = { url: URL, types: ['transfer.posted'], description: 'Bookkeeping' };
  const made = await record.done(`${SERVICE}/CreateWebhook`, asked, {});
  const webhook = { webhook_id: textIn(made, 'webhook', 'webhook_id') };
  const { delivery } = await record.call(`${SERVICE}/SendTestEvent`, webhook, {});
  // It is due once it is made: in the same microsecond or in the next, and the example says the same each time.
  const { created_at } = delivery as Json;
  const due = { ...(delivery as Json), next_attempt_at: created_at ?? null };
  record.keep(`${SERVICE}/SendTestEvent`, webhook, {}, [{ delivery: due }]);
  // As if a receiver had answered at once that it is busy.
  await stack.db.query(
    `UPDATE webhook_deliveries SET attempt_count = 1, failing_since = created_at, next_attempt_at = created_at,
      attempts = jsonb_build_array(jsonb_build_object('at', (extract(epoch FROM created_at) * 1000000)::bigint,
        'status', 503, 'ms', 87, 'error', 'back in a minute'))`,
  );
  const { deliveries } = await record.done(`${SERVICE}/ListDeliveries`, webhook, {});
  const delivery_ids = [textIn((deliveries as Json[])[0] ?? {}, 'delivery_id')];
  await record.done(`${SERVICE}/RedeliverEvents`, { ...webhook, deliveries: { delivery_ids } }, {});
  await record.done(`${SERVICE}/UpdateWebhook`, { ...webhook, is_paused: true }, {});
  await record.done(`${SERVICE}/RotateWebhookSecret`, webhook, {});
  await record.done(`${SERVICE}/GetWebhook`, webhook, {});
  await record.done(`${SERVICE}/ListWebhooks`, {}, {});
  await refusals(record, stack, webhook);
  await record.done(`${SERVICE}/DeleteWebhook`, webhook, {});
}

async function refusals(record: Recorder, stack: Stack, webhook: { webhook_id: string }): Promise<void> {
  await record.refused('WEBHOOK_EXISTS', `${SERVICE}/CreateWebhook`, { url: URL }, {});
  const other = { url: 'https://other.example.com/hooks' };
  const made = await record.call(`${SERVICE}/CreateWebhook`, other, {});
  const second = { webhook_id: textIn(made, 'webhook', 'webhook_id') };
  await record.refused('WEBHOOK_EXISTS', `${SERVICE}/UpdateWebhook`, { ...second, url: URL }, {});
  await record.refused('WEBHOOK_ROTATION_IN_PROGRESS', `${SERVICE}/RotateWebhookSecret`, webhook, {});
  const again = { ...webhook, deliveries: { delivery_ids: [NO_ID] } };
  await record.refused('DELIVERY_NOT_FOUND', `${SERVICE}/RedeliverEvents`, again, {});
  await stack.db.query('UPDATE webhooks SET again_after = 0, again_through = 1 WHERE id = $1', [
    webhook.webhook_id,
  ]);
  const range = { ...webhook, range: { first: '1', last: '2' } };
  await record.refused('WEBHOOK_REDELIVERY_IN_PROGRESS', `${SERVICE}/RedeliverEvents`, range, {});
  await stack.db.query('UPDATE webhooks SET again_after = NULL, again_through = NULL');
  for (let sent = 1; sent < 10; sent += 1) await record.call(`${SERVICE}/SendTestEvent`, webhook, {});
  await record.refused('QUOTA_EXCEEDED', `${SERVICE}/SendTestEvent`, webhook, {});
  await record.refused('QUOTA_EXCEEDED', `${SERVICE}/CreateWebhook`, { url: `${URL}/another` }, {});
  await record.call(`${SERVICE}/DeleteWebhook`, second, {});
  const none = { webhook_id: NO_ID };
  for (const rpc of ['Get', 'Update', 'Delete'])
    await record.refused('WEBHOOK_NOT_FOUND', `${SERVICE}/${rpc}Webhook`, none, {});
  await record.refused('WEBHOOK_NOT_FOUND', `${SERVICE}/RotateWebhookSecret`, none, {});
  await record.refused('WEBHOOK_NOT_FOUND', `${SERVICE}/ListDeliveries`, none, {});
  await record.refused('WEBHOOK_NOT_FOUND', `${SERVICE}/RedeliverEvents`, { ...range, ...none }, {});
  await record.refused('WEBHOOK_NOT_FOUND', `${SERVICE}/SendTestEvent`, none, {});
}
