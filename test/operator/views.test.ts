// What operators find and do at their page: each kind of thing by each id of it, and acts that are done once and audited.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { withKey, won } from '../api.ts';
import { makeKey } from '../keys.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { PlainBrowser, secretOf } from './browser.ts';

const ANNA = 9811;
const BO = 9812;
const ORDER = 'order/7';
let stack: Stack;
let browser: PlainBrowser;
let transferId: string;
let requestId: string;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 50_000);
  const debit_wallet_id = await stack.as(ANNA).defaultWallet();
  const request = { debit_wallet_id, credit_user_id: String(BO), amount: won(700), memo: 'for lunch' };
  const paid = await stack.grpc.call(
    'wallet.v2.TransferService/CreateTransfer',
    request,
    withKey(ANNA, ORDER),
  );
  assert.equal(paid.status, 0, paid.reason);
  transferId = String(paid.at('transfer', 'transfer_id'));
  browser = new PlainBrowser(stack.app.opsPort);
  await browser.signIn(stack.key.keyId, secretOf(stack.key as never));
});
after(() => stack.stop());

/** Where a search leads to. */
const find = async (text: string) => {
  const answer = await browser.ask(`/operator/search?q=${encodeURIComponent(text)}`);
  return {
    ...answer,
    page: answer.location === '' ? answer.text : (await browser.ask(answer.location)).text,
  };
};

/** The lines of acts of the trail, the newest first. */
const linesOf = async (where: string) =>
  (await stack.db.query(`SELECT * FROM audit_acts WHERE ${where} ORDER BY id DESC`)).rows;

test('a transfer, wallets, users and keys are found by their ids', async () => {
  const wallet = await stack.as(ANNA).defaultWallet();
  const found = [
    [transferId, `/operator/transfers/${transferId}`, /for lunch.*|700 KRW/],
    [transferId.toUpperCase(), `/operator/transfers/${transferId}`, /700 KRW/],
    [` ${wallet} `, `/operator/wallets/${wallet}`, /49,300 KRW[\s\S]*−700 KRW/],
    [String(BO), `/operator/users/${BO}`, /700 KRW/],
    [stack.key.keyId, `/operator/keys/${stack.key.keyId}`, /read, pay, fund, admin, events/],
  ] as const;
  for (const [text, location, content] of found) {
    const { status, location: to, page } = await find(text);
    assert.deepEqual([status, to], [303, location]);
    assert.match(page, content);
  }
  const [line] = await linesOf(`target = '${wallet}'`);
  assert.deepEqual(
    [line.rpc, line.outcome, line.actor, line.key_id],
    ['operator-page/wallet', 'done', 'operator-page', stack.key.keyId],
  );
});

test('a frozen wallet shows its state, and to admins the freezes of it and of its user', async () => {
  const wallet = await stack.as(BO).defaultWallet();
  const target = { user_id: String(BO), case_id: 'CASE-9' };
  const order = { ...target, direction: 'FREEZE_DIRECTION_OUT', reason: 'asked by a court' };
  const frozen = await stack.grpc.call('admin.v1.AccountService/Freeze', order);
  assert.equal(frozen.status, 0, frozen.reason);
  for (const path of [`wallets/${wallet}`, `users/${BO}`]) {
    const { text } = await browser.ask(`/operator/${path}`);
    assert.match(text, /frozen out/);
    assert.match(text, /Freezes[\s\S]*no end[\s\S]*CASE-9[\s\S]*asked by a court/);
  }
  const lift = { ...target, reason: 'over' };
  assert.equal((await stack.grpc.call('admin.v1.AccountService/Unfreeze', lift)).status, 0);
  assert.doesNotMatch((await browser.ask(`/operator/wallets/${wallet}`)).text, /frozen|CASE-9/);
});

test('a payout is found by its id, with the lines that are not paid', async () => {
  const wallet = await stack.as(ANNA).defaultWallet();
  const made = await stack
    .as(ANNA)
    .call(
      'wallet.v2.PayoutService/CreatePayout',
      { wallet_id: wallet, mode: 'PAYOUT_MODE_EACH', memo: 'wages' },
      withKey(ANNA),
    );
  assert.equal(made.status, 0, `${made.reason} ${made.fields}`);
  const id = String(made.at('payout', 'payout_id'));
  const { location, page } = await find(id);
  assert.equal(location, `/operator/payouts/${id}`);
  assert.match(page, /wages[\s\S]*draft|draft[\s\S]*wages/);
});

test('a hold is found by its id, and on its wallet', async () => {
  const wallet = await stack.as(ANNA).defaultWallet();
  const wish = { wallet_id: wallet, amount: won(300), credit_user_id: String(BO), reason: 'a hotel' };
  const made = await stack.as(ANNA).call('wallet.v2.HoldService/CreateHold', wish, withKey(ANNA));
  assert.equal(made.status, 0, `${made.reason} ${made.fields}`);
  const id = String(made.at('hold', 'hold_id'));
  const { location, page } = await find(id);
  assert.equal(location, `/operator/holds/${id}`);
  assert.match(page, /open[\s\S]*300 KRW[\s\S]*a hotel/);
  assert.match((await browser.ask(`/operator/wallets/${wallet}`)).text, /Held[\s\S]*300 KRW[\s\S]*a hotel/);
});

test('a gift is found by its id, and on the wallets of both sides', async () => {
  const wish = { credit_user_id: String(BO), amount: won(200), message: 'a cake' };
  const made = await stack.as(ANNA).call('wallet.v2.GiftService/CreateGift', wish, withKey(ANNA));
  assert.equal(made.status, 0, `${made.reason} ${made.fields}`);
  const id = String(made.at('gift', 'gift_id'));
  const { location, page } = await find(id);
  assert.equal(location, `/operator/holds/${id}`);
  assert.match(page, /gift[\s\S]*open[\s\S]*200 KRW[\s\S]*a cake/);
  for (const user of [ANNA, BO]) {
    const wallet = await stack.as(user).defaultWallet();
    assert.match((await browser.ask(`/operator/wallets/${wallet}`)).text, /gift[\s\S]*a cake/);
  }
});

test('an idempotency key is found with its user, and asked for its user without', async () => {
  const { location, page } = await find(`${ANNA}/${ORDER}`);
  assert.equal(location, `/operator/answers?user=${ANNA}&key=order%2F7`);
  assert.match(page, new RegExp(`wallet.v2.TransferService/CreateTransfer[\\s\\S]*transfers/${transferId}`));
  const without = await find(ORDER);
  assert.equal(without.status, 404);
  assert.match(without.page, /Idempotency key[\s\S]*value="order\/7"/);
  const wrong = await browser.ask(`/operator/answers?user=${BO}&key=order%2F7`);
  assert.equal(wrong.status, 404);
  // Keys may hold what callers keep to themselves: none is on the trail.
  assert.deepEqual(await linesOf(`target LIKE '%order%'`), []);
});

test('a reference is found with its user', async () => {
  const wallet_id = await stack.as(ANNA).defaultWallet();
  const labels = [{ key: 'shop', value: '<b>1</b>' }];
  const deposit = { wallet_id, amount: won(1), reference: 'cake/9', labels };
  const made = await stack.as(ANNA).call('wallet.v2.TransferService/Deposit', deposit, withKey(ANNA));
  assert.equal(made.status, 0, made.reason);
  const { location, page } = await find(`${ANNA} cake/9`);
  assert.equal(location, `/operator/transfers/${made.at('transfer', 'transfer_id')}`);
  assert.match(page, /cake\/9[\s\S]*shop: &lt;b&gt;1/);
  assert.equal((await find(`${BO} cake/9`)).status, 404);
});

test('a request of an operator is found by its id, and one of money is where the logs are', async () => {
  const listed = await stack.grpc.call('admin.v1.JobService/ListJobs', {});
  assert.equal(listed.status, 0);
  const [line] = await linesOf(`rpc = 'admin.v1.JobService/ListJobs'`);
  requestId = line.request_id;
  const { status, page } = await find(requestId);
  assert.equal(status, 200);
  assert.match(page, /admin\.v1\.JobService\/ListJobs/);
  const acts = await stack.grpc.call('admin.v1.AuditService/ListActs', { request_id: requestId });
  assert.equal(acts.list('acts').length, 1);
  const unknown = await find(crypto.randomUUID());
  assert.equal(unknown.status, 404);
  assert.match(unknown.page, /Nothing was found[\s\S]*http\.request\.id/);
});

test('ids that there are not are not found, of every kind', async () => {
  const uuid = crypto.randomUUID();
  const paths = [
    `transfers/${uuid}`,
    `wallets/${uuid}`,
    `payouts/${uuid}`,
    `holds/${uuid}`,
    'users/404404',
    'keys/ppk_live_none',
  ];
  for (const path of paths) {
    const { status, text } = await browser.ask(`/operator/${path}`);
    assert.equal(status, 404, path);
    assert.match(text, /<span lang="ko">/);
  }
});

test('the first page shows jobs, dependencies, backups, refusals and limits', async () => {
  const { status, text } = await browser.ask('/operator');
  assert.equal(status, 200);
  for (const word of [
    'Postgres',
    'Redis',
    'reconcile-ledger',
    'Last backup',
    'KEY_RATE_PER_SECOND',
    'Refusals',
  ])
    assert.ok(text.includes(word), word);
});

test('a job is paused once however often the form comes, with the reason on the trail', async () => {
  const path = '/operator/acts/pause-job';
  const fields = {
    ...(await browser.fieldsOf(`${path}?target=purge-keys`)),
    reason: 'too many <b>deletes</b>',
  };
  const [one, other] = await Promise.all([browser.post(path, fields), browser.post(path, fields)]);
  const titles = [one, other].map(({ text }) => /<h1>([^<]*)/.exec(text)?.[1]).sort();
  assert.deepEqual(titles, ['Done: pause a job', 'Sent twice: pause a job']);
  const again = await browser.post(path, fields);
  assert.match(again.text, /done[\s\S]*too many &lt;b&gt;deletes/);
  const lines = await linesOf(`rpc = 'admin.v1.JobService/PauseJob'`);
  assert.deepEqual(
    lines.map(({ outcome, reason, target, actor, key_id }) => [outcome, reason, target, actor, key_id]),
    ['done', 'attempted'].map((outcome) => [
      ...[outcome, fields.reason, 'purge-keys', 'operator-page', stack.key.keyId],
    ]),
  );
  assert.deepEqual([lines[0].before.isPaused, lines[0].after.isPaused], [false, true]);
  assert.match((await browser.ask('/operator')).text, /purge-keys[\s\S]*paused/);
  const back = '/operator/acts/resume-job';
  await browser.post(back, { ...(await browser.fieldsOf(`${back}?target=purge-keys`)), reason: 'over' });
  const jobs = await stack.grpc.call('admin.v1.JobService/ListJobs', {});
  assert.ok(jobs.list('jobs').every(({ paused_at }) => !paused_at));
});

test('dead letters are replayed, each once', async () => {
  await stack.db.query(`INSERT INTO dead_letters (job, queue_id, data, error, attempts)
    SELECT 'purge-sprinkles', 'q' || n, '{"a": "<img src=x>"}', '<script>', 5 FROM generate_series(1, 55) AS n`);
  const list = await browser.ask('/operator/dead-letters');
  assert.match(list.text, /1 to 50 of 55[\s\S]*&lt;script&gt;[\s\S]*rel="next"/);
  assert.doesNotMatch(list.text, /<script|<img/);
  const ids = [...list.text.matchAll(/name="target" value="(\d+)"/g)].map(([, id]) => id ?? '').slice(0, 2);
  const path = '/operator/acts/replay-dead-letters';
  const query = `${path}?target=${ids[0]}&target=${ids[1]}`;
  const fields = await browser.fieldsOf(query);
  const form = new URLSearchParams({ ...fields, reason: 'fixed' });
  form.delete('target');
  for (const id of [...ids, '999999']) form.append('target', id);
  const answer = await browser.post(path, {}, { body: form.toString() });
  assert.match(answer.text, /2 of 3 went to the queue\. 1 had been replayed/);
  assert.match(
    (await browser.ask('/operator/dead-letters?from=50&job=purge-sprinkles')).text,
    /51 to 53 of 53/,
  );
});

test('a key is revoked; one that revokes itself is signed out', async () => {
  const own = await makeKey(stack.database, { displayName: '<script>alert(1)</script>' });
  const key = own as { keyId: string };
  const path = '/operator/acts/revoke-key';
  const page = await browser.ask(`/operator/keys/${key.keyId}`);
  assert.match(page.text, /&lt;script&gt;alert/);
  const fields = { ...(await browser.fieldsOf(`${path}?target=${key.keyId}`)), reason: 'leaked' };
  assert.match((await browser.post(path, fields)).text, /is revoked/);
  const [line] = await linesOf(`rpc = 'admin.v1.ApiKeyService/RevokeApiKey'`);
  assert.deepEqual([line.outcome, line.reason, line.target], ['done', 'leaked', key.keyId]);
  assert.match((await browser.ask(`${path}?target=${stack.key.keyId}`)).text, /you will be signed out/);
});

test('backups and drills are refused in words where no worker does them, and asked for where one does', async () => {
  const path = '/operator/acts/start-backup';
  const refused = await browser.post(path, {
    ...(await browser.fieldsOf(path)),
    reason: 'before the upgrade',
  });
  assert.equal(refused.status, 409);
  assert.match(refused.text, /RECOVERY_NOT_CONFIGURED/);
  await stack.db.query('UPDATE recovery_workers SET seen_at = clock_timestamp()');
  const fields = { ...(await browser.fieldsOf(path)), reason: 'before the upgrade', box: 'yes' };
  const asked = await browser.post(path, fields);
  assert.match(asked.text, /is queued/);
  const { rows } = await stack.db.query(
    `SELECT requested_by, is_full FROM recovery_runs WHERE kind = 'backup'`,
  );
  assert.deepEqual(rows, [{ requested_by: stack.key.keyId, is_full: true }]);
  assert.match((await browser.ask('/operator/recovery')).text, /queued/);
  const drill = '/operator/acts/start-drill';
  assert.match(
    (await browser.post(drill, { ...(await browser.fieldsOf(drill)), reason: 'x' })).text,
    /is queued/,
  );
});

test('an act needs a reason, and a target that there can be', async () => {
  const path = '/operator/acts/pause-job';
  const fields = await browser.fieldsOf(`${path}?target=purge-keys`);
  for (const changed of [
    { reason: ' ' },
    { reason: 'a'.repeat(201) },
    { reason: 'a\u0000b' },
    { reason: 'x', target: 'none' },
    { reason: 'x', form_id: 'x' },
  ]) {
    const { status } = await browser.post(path, { ...fields, ...changed });
    assert.equal(status, 400, JSON.stringify(changed).slice(0, 60));
  }
  assert.equal((await browser.ask(`${path}?target=%00`)).status, 400);
  assert.equal((await browser.ask(path)).status, 400);
});

test('where the trail cannot be written nothing is shown and nothing is done', async () => {
  const path = '/operator/acts/pause-job';
  const fields = { ...(await browser.fieldsOf(`${path}?target=purge-keys`)), reason: 'x' };
  await stack.db.query('ALTER TABLE audit_acts ADD CONSTRAINT full_disk CHECK (id < 0) NOT VALID');
  const answers = [await browser.post(path, fields), await browser.ask(`/operator/users/${ANNA}`)];
  await stack.db.query('ALTER TABLE audit_acts DROP CONSTRAINT full_disk');
  assert.deepEqual(
    answers.map(({ status }) => status),
    [503, 503],
  );
  assert.ok(!answers[1]?.text.includes('User 9811'));
  const { rows } = await stack.db.query(
    `SELECT FROM job_states WHERE job = 'purge-keys' AND paused_at IS NOT NULL`,
  );
  assert.equal(rows.length, 0);
  await until('it is well again', async () => (await browser.ask('/operator')).status === 200 || undefined);
});

test('webhooks show whose they are, where they lead to and what waits, and no secret', async () => {
  const request = {
    url: 'https://hooks.example.com/path-with-a-secret?key=and-another',
    types: ['transfer.posted'],
  };
  const made = await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', request);
  assert.equal(made.status, 0, made.reason);
  const id = String(made.at('webhook', 'webhook_id'));
  await stack.grpc.call('wallet.v2.WebhookService/SendTestEvent', { webhook_id: id });
  for (const path of ['webhooks', `webhooks/${id}`]) {
    const { status, text } = await browser.ask(`/operator/${path}`);
    assert.equal(status, 200);
    assert.match(text, new RegExp(id));
    assert.match(text, new RegExp(stack.key.keyId));
    assert.match(text, /hooks\.example\.com/);
    assert.match(text, /active, no worker sends/);
    assert.doesNotMatch(text, /path-with-a-secret|and-another|whsec_/);
  }
  assert.match((await browser.ask(`/operator/webhooks/${id}`)).text, /webhook\.test[\s\S]*pending/);
  const none = await browser.ask('/operator/webhooks/00000000-0000-4000-8000-000000000000');
  assert.equal(none.status, 404);
});

test('a paused webhook is resumed, with the reason on the trail', async () => {
  const request = { url: 'https://hooks.example.com/paused' };
  const made = await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', request);
  const id = String(made.at('webhook', 'webhook_id'));
  await stack.grpc.call('wallet.v2.WebhookService/SendTestEvent', { webhook_id: id });
  await stack.db.query(
    `UPDATE webhooks SET state = 'paused', pause_reason = 'failing', paused_at = now(), expired_after = 4, expired_through = 9
     WHERE id = $1`,
    [id],
  );
  await stack.db.query(
    `UPDATE webhook_deliveries SET failing_since = now() - interval '3 days', next_attempt_at = now() + interval '1 hour'
     WHERE webhook_id = $1`,
    [id],
  );
  const page = await browser.ask(`/operator/webhooks/${id}`);
  assert.match(page.text, /paused: failing[\s\S]*events 5 to 9[\s\S]*Resume it/);
  const path = '/operator/acts/resume-webhook';
  const fields = { ...(await browser.fieldsOf(`${path}?target=${id}`)), reason: 'the receiver is back' };
  assert.match((await browser.post(path, fields)).text, /sends again/);
  const [line] = await linesOf(`rpc = 'admin.v1.WebhookService/ResumeWebhook'`);
  assert.deepEqual([line.outcome, line.reason, line.target], ['done', 'the receiver is back', id]);
  assert.deepEqual([line.before.pauseReason, line.after.pauseReason], ['failing', undefined]);
  const { rows } = await stack.db.query(
    `SELECT w.state, d.failing_since, d.next_attempt_at <= clock_timestamp() AS is_due
     FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id WHERE w.id = $1`,
    [id],
  );
  assert.deepEqual(rows, [{ state: 'active', failing_since: null, is_due: true }]);
  const none = { ...fields, form_id: crypto.randomUUID(), target: crypto.randomUUID() };
  assert.equal((await browser.post(path, none)).status, 404);
  assert.equal((await browser.ask(`${path}?target=x`)).status, 400);
});
