// `npm run webhooks -- listen`: shows events, and forwards them as a webhook would send them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { verifyWebhook } from '../../clients/typescript/src/webhook.ts';
import { uniqueUsers } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { startDeliveries, startReceiver } from '../webhooks/deliveries.ts';

const PROGRAM = resolve(import.meta.dirname, '../../scripts/webhooks.ts');

let stack: Stack;
let folder: string;
before(async () => {
  stack = await startStack({ env: { WEBHOOKS_TO_LOOPBACK: 'true' } });
  folder = mkdtempSync(join(tmpdir(), 'ppuri-webhooks-'));
  const { key } = stack;
  if (key.kind !== 'hmac-sha256') throw new Error('dev.json holds keys with a secret');
  const keys = [{ keyId: key.keyId, secret: Buffer.from(key.secret).toString() }];
  writeFileSync(join(folder, 'dev.json'), JSON.stringify({ grpcAddress: stack.grpcAddress, keys }));
});
after(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true });
});

test('events since a time are shown in their order, and forwarded until each is taken', async () => {
  await using _sealing = startDeliveries(stack.database);
  let refusals = 1;
  using receiver = await startReceiver(() => (refusals-- > 0 ? 500 : 204));
  // The same bytes as a webhook sends.
  using webhook = await startReceiver();
  await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', { url: webhook.url });
  const users = uniqueUsers(3);
  await stack.addUsers(users);
  await stack.fund(users, 500);
  const options = ['listen', '--since', '1h', '--types', 'transfer.posted', '--forward', receiver.url];
  const program = spawn(process.execPath, [PROGRAM, ...options], {
    env: { ...process.env, DATA_DIR: folder },
  });
  let [shown, told] = ['', ''];
  program.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  program.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  await until('all are forwarded', () => receiver.received.length > users.length);
  program.kill('SIGINT');
  await new Promise((ended) => program.on('close', ended));
  const lines = shown.trim().split('\n');
  assert.equal(lines.length, users.length);
  for (const [index, line] of lines.entries())
    assert.match(
      line,
      new RegExp(`^\\S+Z \\d+ transfer\\.posted transfers/${receiver.received[index + 1]?.event.id}$`),
    );
  const [, secret = ''] = /events are signed with (\S+)/.exec(told) ?? [];
  assert.match(told, /not taken: 500 HTTP_500; again in 2 s/);
  await until('the webhook has them', () => webhook.received.length >= users.length);
  for (const { headers, body, event } of receiver.received) {
    assert.equal(verifyWebhook(headers, body, secret).id, event.id);
    const sent = webhook.received.find((one) => one.event.id === event.id);
    assert.deepEqual(JSON.parse(body), JSON.parse(sent?.body ?? ''));
  }
});
