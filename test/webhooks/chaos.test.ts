// Chaos among workers, Redis and receivers: workers are killed, Redis stands still, dies and forgets, receivers are away and fail in
// every way, and still each event arrives, in order for each wallet, and a receiver that drops doubles ends with exactly the ledger.
// WEBHOOK_CHAOS_MS makes it longer, in milliseconds, and CHAOS_SEED another one.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { Webhook } from 'standardwebhooks';
import { actingAs, uniqueUsers, withKey } from '../api.ts';
import type { Json } from '../api-client.ts';
import { seededRandom } from '../domain/seeded-random.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { type Notification, startDeliveries, startReceiver, type TestReceiver } from './deliveries.ts';
import { startWeather } from './weather.ts';

const CHAOS_MS = Number(process.env.WEBHOOK_CHAOS_MS ?? 1_000);
const SEED = Number(process.env.CHAOS_SEED ?? 20_261_126);
const WALLETS = 4;
const LEAST_PAYMENTS = 40;
/** All that was sent has arrived, also after two minutes of chaos on a slow machine. */
const CALM_MS = 120_000;

/** What a fault explains: the call is made again, under its key. */
const TRANSIENT = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.RESOURCE_EXHAUSTED,
] as readonly number[];

let redis: OwnRedis | undefined;
let stack: Stack;
/** The wallets, by their users. */
const wallets = new Map<number, string>();
before(async () => {
  redis = withoutRedis ? undefined : await startOwnRedis();
  stack = await startStack({
    env: { WEBHOOKS_TO_LOOPBACK: 'true', ...(redis && { REDIS_URL: redis.url }) },
  });
  const users = uniqueUsers(WALLETS);
  await stack.addUsers(users);
  await stack.fund(users, 1_000_000);
  for (const user of users) {
    const { body } = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, actingAs(user));
    wallets.set(user, String((body.wallets as { wallet_id: string }[])[0]?.wallet_id));
  }
});
after(async () => {
  await stack?.stop();
  await redis?.stop();
});

/** One for each who draws, because which of them draws next depends on the machine. */
const randomOf = (place: number) => seededRandom(SEED + place);

/** A receiver that drops doubles, and has failed in some way before or after it noted an event. */
interface Bookkeeper extends TestReceiver {
  /** Of its webhook. */
  readonly id: string;
  readonly secret: string;
  /** The events in the order of their first arrival. */
  readonly events: Map<string, PostedEvent>;
  /** Why the library of Standard Webhooks refused a delivery; nothing where it refused none. */
  readonly refused: unknown[];
  /** From now on it takes everything. */
  calm(): void;
}

interface PostedEvent {
  readonly sequence: string;
  readonly data: {
    readonly transfer: {
      readonly transfer_id: string;
      readonly debit_wallet_id: string;
      readonly credit_wallet_id: string;
      readonly amount: { readonly minor_units: string };
    };
  };
}

/** Ways to fail; none answers 410, which would pause the webhook. */
const FAILURES: readonly ((response: ServerResponse) => void)[] = [
  (response) => response.writeHead(500).end('not now'),
  (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  (response) => response.destroy(),
  // It hangs until the other side gives up.
  () => {},
  (response) => response.writeHead(503).end(Buffer.alloc(10_000_000)),
];

async function startBookkeeper(failing: number): Promise<Bookkeeper> {
  const random = randomOf(failing);
  let share = failing;
  const events = new Map<string, PostedEvent>();
  const refused: unknown[] = [];
  const note = ({ body, event }: Notification) => {
    if (!events.has(event.id)) events.set(event.id, JSON.parse(body));
  };
  const receiver = await startReceiver((notification, response) => {
    try {
      new Webhook(secret).verify(notification.body, { ...notification.headers });
    } catch (error) {
      refused.push(error);
    }
    const isFailing = random.below(100) < share;
    // Half of the failures are answers that are lost: the event was noted.
    if (!isFailing || random.below(2) === 0) note(notification);
    if (!isFailing) return 204;
    FAILURES[random.below(FAILURES.length)]?.(response);
    return undefined;
  });
  const request = { url: receiver.url, types: ['transfer.posted'] };
  const made = await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', request);
  assert.equal(made.status, 0, made.reason);
  const secret = String(made.body.secret);
  const id = String(made.at('webhook', 'webhook_id'));
  return { ...receiver, id, secret, events, refused, calm: () => (share = 0) };
}

/** Pays between the wallets, several at a time, until it is aborted, and LEAST_PAYMENTS in any case. */
async function payOn(signal: AbortSignal): Promise<void> {
  const users = [...wallets.keys()];
  let paid = 0;
  const payer = async (_: unknown, place: number) => {
    const random = randomOf(1_000 + place);
    while (!signal.aborted || paid < LEAST_PAYMENTS) {
      const user = users[random.below(users.length)] ?? 0;
      const others = users.filter((other) => other !== user);
      await pay(user, {
        debit_wallet_id: wallets.get(user) ?? '',
        credit_user_id: String(others[random.below(others.length)]),
        amount: { currency_code: 'KRW', minor_units: String(1 + random.below(100)) },
      });
      paid += 1;
      await sleep(20);
    }
  };
  await Promise.all([1, 2].map(payer));
}

/** Pays once, whatever Redis does meanwhile. */
async function pay(user: number, request: Json): Promise<void> {
  const identity = withKey(user);
  await until(
    'a payment is accepted',
    async () => {
      const answer = await stack.grpc.call('wallet.v2.TransferService/CreateTransfer', request, identity);
      if (TRANSIENT.includes(answer.status)) return false;
      assert.equal(answer.status, 0, answer.reason);
      return true;
    },
    CALM_MS,
  );
}

const balances = async () =>
  new Map(
    (
      await stack.db.query<{ id: string; balance: string }>(
        'SELECT id, balance FROM accounts WHERE owner_user_id IS NOT NULL',
      )
    ).rows.map(({ id, balance }) => [id, BigInt(balance)] as const),
  );
const transferIds = async () =>
  (await stack.db.query<{ id: string }>('SELECT id FROM transfers')).rows.map(({ id }) => id);

/** The wallets whose events did not arrive in the order of the feed. */
function overtaken(events: Iterable<PostedEvent>): string[] {
  const last = new Map<string, string>();
  const found = new Set<string>();
  for (const { sequence, data } of events) {
    for (const wallet of [data.transfer.debit_wallet_id, data.transfer.credit_wallet_id]) {
      if ((last.get(wallet) ?? '') > sequence) found.add(wallet);
      last.set(wallet, sequence);
    }
  }
  return [...found];
}

/** Who sends while payments are made. */
interface Sending {
  /** Resolves when the payments may end. */
  readonly faults: Promise<void>;
  stop(): Promise<void>;
}

/** Pays while events are sent, then lets all arrive, and returns the receivers, and what there was before. */
async function during(
  startSending: (receivers: readonly Bookkeeper[]) => Promise<Sending>,
): Promise<{ receivers: Bookkeeper[]; known: Set<string>; before: Map<string, bigint> }> {
  await sealAll();
  const [known, before] = [new Set(await transferIds()), await balances()];
  const receivers = [await startBookkeeper(0), await startBookkeeper(30), await startBookkeeper(60)];
  const { faults, stop } = await startSending(receivers);
  try {
    const over = new AbortController();
    await Promise.all([payOn(over.signal), faults.finally(() => over.abort())]);
    for (const receiver of receivers) receiver.calm();
    const posted = (await transferIds()).filter((id) => !known.has(id));
    assert.ok(posted.length >= LEAST_PAYMENTS);
    const isDone = () => receivers.every(({ events }) => posted.every((id) => events.has(id)));
    await until('everything has arrived', isDone, CALM_MS);
  } finally {
    await stop();
  }
  // Nothing is sent to receivers that are gone while the next ones are waited for.
  for (const { id } of receivers) {
    const deleted = await stack.grpc.call('wallet.v2.WebhookService/DeleteWebhook', { webhook_id: id });
    assert.equal(deleted.status, 0, deleted.reason);
  }
  for (const { refused } of receivers) assert.deepEqual(refused, []);
  return { receivers, known, before };
}

/** What was posted by now is sealed before webhooks begin. */
async function sealAll(): Promise<void> {
  const deliveries = startDeliveries(stack.database);
  await until('all is sealed', async () => {
    const { rows } = await stack.db.query('SELECT oldest_unsealed() IS NULL AS is_sealed');
    return rows[0]?.is_sealed === true;
  });
  await deliveries[Symbol.asyncDispose]();
}

test(`every event arrives, in order for each wallet, whatever is killed (seed ${SEED})`, async () => {
  const { receivers, known, before } = await during((among) =>
    startWeather({ workerUrl: stack.database.workerUrl, redis, receivers: among }, randomOf(2_000), CHAOS_MS),
  );
  const [posted, now] = [(await transferIds()).filter((id) => !known.has(id)), await balances()];
  for (const receiver of receivers) {
    assert.deepEqual([...receiver.events.keys()].toSorted(), posted.toSorted(), 'exactly the ledger');
    assert.deepEqual(overtaken(receiver.events.values()), []);
    const book = new Map(before);
    const add = (wallet: string, amount: bigint) => book.set(wallet, (book.get(wallet) ?? 0n) + amount);
    for (const { data } of receiver.events.values()) {
      const amount = BigInt(data.transfer.amount.minor_units);
      add(data.transfer.debit_wallet_id, -amount);
      add(data.transfer.credit_wallet_id, amount);
    }
    assert.deepEqual(book, now);
    receiver[Symbol.dispose]();
  }
  const sent = receivers.reduce((sum, { received }) => sum + received.length, 0);
  assert.ok(sent > posted.length * receivers.length, 'some were sent twice');
});

test('without the lines of wallets events overtake each other', async () => {
  const { receivers } = await during(async () => {
    const deliveries = startDeliveries(stack.database, { timeoutMs: 300, isOrdered: false });
    return { faults: Promise.resolve(), stop: async () => deliveries[Symbol.asyncDispose]() };
  });
  const found = receivers.flatMap(({ events }) => overtaken(events.values()));
  assert.ok(found.length > 0);
  for (const receiver of receivers) receiver[Symbol.dispose]();
});
