// Webhooks that are far behind, because they were paused or their receiver was away: they catch up in order, a thousand events at a
// time, and delay no other. WEBHOOK_BACKLOG says how many events they are behind, and then the times are those of production.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ForkedProgram, forkProgram } from '../../scripts/dev/programs.ts';
import { uniqueUsers, withKey, won } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { startReceiver, type TestReceiver } from './deliveries.ts';

const BEHIND = process.env.WEBHOOK_BACKLOG;
const EVENTS = Number(BEHIND ?? 1_200);
const PROGRAM = new URL('delivery-program.ts', import.meta.url);
/** As in docs/webhooks.md, how many wait for an attempt, and how many that were taken may not be written yet. */
const [MAX_WAITING, MAX_UNRECORDED] = [1_000, 2_000];
/** What a worker holds of a thousand events is a few MB; the rest is what V8 has not collected yet. */
const MAX_GROWTH_MB = 300;
const BATCH = 20;
const PAYERS = 8;
const LIVE_PAYMENTS = BEHIND === undefined ? 5 : 50;
const WITHIN_MS = 60_000 + 10 * EVENTS;

let stack: Stack;
let users: number[];
const wallets = new Map<number, string>();
before(async () => {
  stack = await startStack({ env: { WEBHOOKS_TO_LOOPBACK: 'true' } });
  users = uniqueUsers(32);
  await stack.addUsers(users);
  await stack.fund(users, 100_000_000);
  for (const user of users) wallets.set(user, await stack.as(user).defaultWallet());
});
after(() => stack.stop());

/** A receiver that keeps of each event when it came first, in the order in which they came. */
interface Tracker extends Disposable {
  readonly webhookId: string;
  /** When each came first, by performance.now(). */
  readonly arrivals: Map<string, number>;
  /** Wallets whose events came in another order than that of the feed. */
  readonly overtaken: Set<string>;
  readonly receiver: TestReceiver;
  /** While it hangs it takes nothing and answers nothing. */
  hangs: boolean;
}

async function startTracker(): Promise<Tracker> {
  const arrivals = new Map<string, number>();
  const overtaken = new Set<string>();
  const last = new Map<string, string>();
  const receiver = await startReceiver(({ body, event: { id } }) => {
    receiver.received.length = 0;
    if (tracker.hangs) return undefined;
    if (arrivals.has(id)) return 204;
    arrivals.set(id, performance.now());
    const { sequence, data } = JSON.parse(body);
    // The outside, which has no name, keeps nobody waiting.
    const sides = [data.transfer.debit_wallet_id, data.transfer.credit_wallet_id];
    for (const wallet of sides.filter((side) => side !== '')) {
      if ((last.get(wallet) ?? '') > sequence) overtaken.add(wallet);
      last.set(wallet, sequence);
    }
    return 204;
  });
  const request = { url: receiver.url, types: ['transfer.posted'] };
  const made = await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', request);
  assert.equal(made.status, 0, made.reason);
  const webhookId = String(made.at('webhook', 'webhook_id'));
  const dispose = () => receiver[Symbol.dispose]();
  const tracker: Tracker = {
    ...{ webhookId, arrivals, overtaken, receiver, hangs: false },
    [Symbol.dispose]: dispose,
  };
  return tracker;
}

/** What became of an item of a batch, which is not refused here. */
type Posted = { readonly posted: { readonly transfer: { readonly transfer_id: string } } };

/** Transfers between all wallets, in batches of several users at a time; returns their ids. */
async function payMany(count: number, batch = BATCH): Promise<string[]> {
  const ids: string[] = [];
  let asked = 0;
  const payer = async () => {
    while (asked < count) {
      const place = asked / batch;
      asked += batch;
      const user = users[place % users.length] ?? 0;
      const items = Array.from({ length: batch }, (_, index) => ({
        debit_wallet_id: wallets.get(user) ?? '',
        credit_user_id: String(users[(place + 1 + index) % users.length]),
        amount: won(1),
      }));
      const request = { mode: 'BATCH_MODE_ALL_OR_NOTHING', items };
      const rpc = 'wallet.v2.TransferService/BatchCreateTransfers';
      const answer = await stack.grpc.call(rpc, request, withKey(user));
      assert.equal(answer.status, 0, answer.reason);
      for (const { posted } of answer.list('results') as Posted[]) ids.push(posted.transfer.transfer_id);
    }
  };
  await Promise.all(Array.from({ length: PAYERS }, payer));
  return ids;
}

/** Pays until it is enough, LIVE_PAYMENTS at least; returns how late each arrived at a tracker, in milliseconds. */
async function lateness(tracker: Tracker, isEnough: () => boolean): Promise<number[]> {
  const paidAt = new Map<string, number>();
  while (paidAt.size < LIVE_PAYMENTS || !isEnough()) {
    const [id = ''] = await payMany(1, 1);
    paidAt.set(id, performance.now());
    await sleep(50);
  }
  await until('live events arrive', () => paidAt.keys().every((id) => tracker.arrivals.has(id)), WITHIN_MS);
  return [...paidAt].map(([id, at]) => (tracker.arrivals.get(id) ?? 0) - at).sort((a, b) => a - b);
}

const percentile = (sorted: readonly number[], share: number) =>
  Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
const shown = (late: readonly number[]) =>
  `p50 ${percentile(late, 0.5)} ms, p99 ${percentile(late, 0.99)} ms, at most ${Math.round(late.at(-1) ?? 0)} ms`;

/** The memory of a process in MB and its CPU time in seconds; of Linux alone. */
function usage({ pid }: ForkedProgram): { mb: number; cpu: number } {
  if (!existsSync('/proc/self/statm')) return { mb: 0, cpu: 0 };
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  const [user = 0, system = 0] =
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? [];
  return { mb: Math.round((pages * 4096) / 1e6), cpu: (Number(user) + Number(system)) / 100 };
}

/** For how long sessions of the database were at work, in seconds. */
const databaseSeconds = async () =>
  Number(
    (
      await stack.db.query(
        'SELECT active_time / 1000 AS seconds FROM pg_stat_database WHERE datname = current_database()',
      )
    ).rows[0]?.seconds,
  );

const undelivered = async () =>
  new Map(
    (
      await stack.db.query<{ id: string; count: number }>(
        `SELECT webhook_id AS id, count(*)::integer AS count FROM webhook_deliveries WHERE delivered_at IS NULL GROUP BY 1`,
      )
    ).rows.map(({ id, count }) => [id, count] as const),
  );

const setPaused = async ({ webhookId: webhook_id }: Tracker, is_paused: boolean) => {
  const answer = await stack.grpc.call('wallet.v2.WebhookService/UpdateWebhook', { webhook_id, is_paused });
  assert.equal(answer.status, 0, answer.reason);
};

test(`webhooks that are ${EVENTS} events behind catch up in order, and delay no other`, {
  timeout: 3 * WITHIN_MS,
}, async (t) => {
  using paused = await startTracker();
  using away = await startTracker();
  const behind = [paused, away];
  await setPaused(paused, true);
  away.receiver.goAway();
  const worker = await forkProgram(PROGRAM, {
    DATABASE_URL: stack.database.workerUrl,
    DELIVERY_TIMES: BEHIND === undefined ? 'short' : 'production',
  });
  try {
    const ids = await payMany(EVENTS);
    await until(
      'as much was tried as may be',
      async () => ((await undelivered()).get(away.webhookId) ?? 0) >= MAX_WAITING / 2,
      WITHIN_MS,
    );
    using live = await startTracker();
    t.diagnostic(`up to date alone: ${shown(await lateness(live, () => true))}`);

    const [before, activeBefore, startedAt] = [usage(worker), await databaseSeconds(), performance.now()];
    let [most, mb] = [0, 0];
    const isDone = () => behind.every(({ arrivals }) => ids.every((id) => arrivals.has(id)));
    const sampling = (async () => {
      while (!isDone()) {
        most = Math.max(most, ...(await undelivered()).values());
        mb = Math.max(mb, usage(worker).mb);
        await sleep(100);
      }
      return performance.now();
    })();
    await setPaused(paused, false);
    away.receiver.comeBack();
    await until('they have begun', () => behind.every(({ arrivals }) => arrivals.size > 0), WITHIN_MS);
    if (BEHIND === undefined) {
      // Receivers that hang meanwhile hold up nothing but themselves.
      for (const one of behind) one.hangs = true;
      await lateness(live, () => true);
      assert.equal(isDone(), false);
      for (const one of behind) one.hangs = false;
    }
    const late = await lateness(live, isDone);
    const tookMs = (await sampling) - startedAt;
    const [after, active] = [usage(worker), (await databaseSeconds()) - activeBefore];

    t.diagnostic(`another one meanwhile: ${shown(late)}`);
    t.diagnostic(
      `both in ${Math.round(tookMs)} ms: CPU of the worker ${(after.cpu - before.cpu).toFixed(1)} s, ` +
        `sessions at work ${active.toFixed(1)} s, undelivered at most ${most}, memory ${before.mb} to ${mb} MB`,
    );
    assert.ok(most <= MAX_WAITING + MAX_UNRECORDED, `${most} undelivered`);
    assert.ok(mb - before.mb < MAX_GROWTH_MB, `${before.mb} to ${mb} MB`);
    for (const { overtaken } of [...behind, live]) assert.deepEqual([...overtaken], []);
  } finally {
    await worker.stop();
  }
});
