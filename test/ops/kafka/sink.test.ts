// The feed in a real Kafka: workers and the broker are killed, and each event arrives, in order for each wallet, and a consumer that
// drops doubles has the ledger; over TLS with a login, and with another password not.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findFree } from '../../../scripts/dev/ports.ts';
import { type ForkedProgram, forkProgram } from '../../../scripts/dev/programs.ts';
import { actingAs, uniqueUsers, withKey } from '../../api.ts';
import { startWorkerProcess, workerEnv } from '../../processes.ts';
import { orSkip } from '../../skip.ts';
import { given, type Stack, startStack } from '../../stack.ts';
import { until, untilLocked } from '../../until.ts';
import { type Broker, findBroker, LOGIN, type ReadMessage, startBroker } from './broker.ts';

const PROGRAM = new URL('sink-program.ts', import.meta.url);
const PARTITIONS = 5;
const WALLETS = 4;
const PAYERS = 4;
/** How many transfers are made between two events of the chaos. */
const STEP = 30;

const { path: jars, skip } = orSkip(await findBroker(), 'Kafka');
const folder = mkdtempSync(join(tmpdir(), 'ppuri-kafka-'));
let broker: Broker;
let stack: Stack;
/** The wallets, by their users. */
const wallets = new Map<number, string>();
before(async () => {
  if (skip) return;
  [broker, stack] = await Promise.all([startBroker(jars, folder), startStack()]);
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
  await broker?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const settings = (topic: string, more: Readonly<Record<string, string>> = {}) => ({
  ...workerEnv(stack.database, given('TEST_REDIS_URL')),
  ...{ KAFKA_BROKERS: broker.address, KAFKA_TOPIC: topic, ...more },
});
const startSink = (topic: string, more = {}) => forkProgram(PROGRAM, settings(topic, more));
const transferIds = async () =>
  (await stack.db.query<{ id: string }>('SELECT id FROM transfers ORDER BY id')).rows.map(({ id }) => id);

/** Pays between the wallets, several at a time. */
async function pay(count: number): Promise<void> {
  const users = [...wallets.keys()];
  let left = count;
  const payer = async () => {
    while (left-- > 0) {
      const user = users[left % users.length] ?? 0;
      const other = users[(left + 1 + (left % (users.length - 1))) % users.length] ?? 0;
      const request = {
        ...{ debit_wallet_id: wallets.get(user) ?? '', credit_user_id: String(other) },
        amount: { currency_code: 'KRW', minor_units: '7' },
      };
      const answer = await stack.grpc.call(
        'wallet.v2.TransferService/CreateTransfer',
        request,
        withKey(user),
      );
      assert.equal(answer.status, 0, answer.reason);
    }
  };
  await Promise.all(Array.from({ length: PAYERS }, payer));
}

interface PostedEvent {
  readonly id: string;
  readonly type: string;
  readonly sequence: string;
  readonly data: {
    readonly transfer: {
      readonly debit_wallet_id: string;
      readonly credit_wallet_id: string;
      readonly amount: { readonly minor_units: string };
    };
  };
}
const eventOf = ({ value }: ReadMessage) => JSON.parse(value) as PostedEvent;
const idsOf = (messages: readonly ReadMessage[]) => new Set(messages.map((message) => eventOf(message).id));
const hasAll = (ids: readonly string[]) => (messages: readonly ReadMessage[]) => {
  const arrived = idsOf(messages);
  return ids.every((id) => arrived.has(id));
};

/** The keys under which a first arrival came after one of a later event. */
function overtaken(messages: readonly ReadMessage[]): string[] {
  const last = new Map<string, string>();
  const seen = new Set<string>();
  return messages.flatMap((message) => {
    const { id, sequence } = eventOf(message);
    const { key } = message;
    if (seen.has(`${key} ${id}`)) return [];
    seen.add(`${key} ${id}`);
    const isLate = (last.get(key) ?? '') > sequence;
    last.set(key, sequence);
    return isLate ? [key] : [];
  });
}

/** A consumer that drops doubles ends with the balances of the ledger. */
async function assertIsLedger(messages: readonly ReadMessage[]): Promise<void> {
  const book = new Map<string, bigint>();
  const add = (wallet: string, amount: bigint) => book.set(wallet, (book.get(wallet) ?? 0n) + amount);
  const events = new Map(messages.map(eventOf).map((event) => [event.id, event]));
  for (const { type, data } of events.values()) {
    if (type !== 'transfer.posted') continue;
    const { debit_wallet_id, credit_wallet_id, amount } = data.transfer;
    add(debit_wallet_id, -BigInt(amount.minor_units));
    add(credit_wallet_id, BigInt(amount.minor_units));
  }
  // Money from outside comes from no wallet.
  book.delete('');
  const { rows } = await stack.db.query<{ id: string; balance: string }>(
    'SELECT id, balance FROM accounts WHERE owner_user_id IS NOT NULL',
  );
  assert.deepEqual(book, new Map(rows.map(({ id, balance }) => [id, BigInt(balance)])));
}

/** Waits until the place of a topic is the end of the feed, and everything is in the feed. */
const untilSaved = (topic: string) =>
  until('the place is the end of the feed', async () => {
    const { rows } = await stack.db.query<{ is_end: boolean }>(
      `SELECT c.last_sequence = f.last_sequence AND oldest_unsealed() IS NULL AS is_end
       FROM kafka_cursors c, feed_end f WHERE c.topic = $1`,
      [topic],
    );
    return rows[0]?.is_end === true;
  });

const SAVING = 'UPDATE kafka_cursors SET epoch';
/** What a statement of a process that is gone waits for would still be done when it comes. */
const END_SAVING = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND strpos(query, $1) > 0`;

/** Kills sinks after the broker has acknowledged what one of them sent, and before that is saved: its row is locked until they are gone. */
async function killBeforeSaving(topic: string, sinks: readonly ForkedProgram[]): Promise<void> {
  // The one that sends has no lease to put off, which would wait for the lock before anything is sent.
  await stack.db.query(`UPDATE kafka_cursors SET lease_until = now() + interval '1 hour' WHERE topic = $1`, [
    topic,
  ]);
  const lock = await stack.db.connect();
  await lock.query('BEGIN');
  await lock.query(`UPDATE kafka_cursors SET lease_until = '-infinity' WHERE topic = $1`, [topic]);
  await pay(STEP);
  await untilLocked(stack.db, 1, SAVING);
  await Promise.all(sinks.map((sink) => sink.kill()));
  await until('nothing waits', async () => (await stack.db.query(END_SAVING, [SAVING])).rowCount === 0);
  await lock.query('COMMIT');
  lock.release();
}

test('every event arrives, in order for each wallet, whatever is killed', { skip }, async () => {
  const [topic, hastyTopic] = ['events', 'events-of-hasty'];
  for (const name of [topic, hastyTopic]) await broker.createTopic(name, PARTITIONS);
  const [first, second, hasty] = await Promise.all([
    startSink(topic),
    startSink(topic),
    startSink(hastyTopic, { IS_HASTY: 'true' }),
  ]);
  await pay(STEP);
  await Promise.all([untilSaved(topic), untilSaved(hastyTopic)]);
  await killBeforeSaving(topic, [first, second]);
  const [third, fourth] = await Promise.all([startSink(topic), startSink(topic)]);
  await Promise.all([pay(STEP), third.kill()]);
  await Promise.all([pay(STEP), broker.kill()]);
  await pay(STEP);
  await untilSaved(hastyTopic);
  await hasty.kill();
  await Promise.all([broker.restart(), pay(STEP)]);
  await untilSaved(topic);
  const [messages, ids] = [await broker.read(topic), await transferIds()];
  assert.ok(hasAll(ids)(messages));
  assert.deepEqual(overtaken(messages), []);
  await assertIsLedger(messages);
  assert.ok(new Set(messages.map(({ value, key }) => key + value)).size < messages.length, 'some twice');
  assert.deepEqual(messages[0]?.headers, { 'content-type': 'application/cloudevents+json' });
  assert.ok(!hasAll(ids)(await broker.read(hastyTopic)), 'saved before the acknowledgement, events are lost');
  await fourth.stop();
});

/** A worker as in production, which sends over TLS with this password; its log is in a folder. */
async function startSecureWorker(topic: string, password: string) {
  const [opsPort = 0] = await findFree(1);
  const logDir = mkdtempSync(join(folder, 'log-'));
  const worker = await startWorkerProcess({
    ...settings(topic, { KAFKA_BROKERS: broker.secureAddress, KAFKA_TLS: 'true' }),
    ...{ KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', KAFKA_USERNAME: LOGIN.username, KAFKA_PASSWORD: password },
    ...{ NODE_EXTRA_CA_CERTS: broker.caFile, OPS_PORT: String(opsPort) },
    ...{ LOG_DIR: logDir, LOG_LEVEL: 'info', LOG_STDOUT: 'none' },
  });
  const page = (path: string) => fetch(`http://127.0.0.1:${opsPort}${path}`);
  return {
    stop: () => worker.stop(),
    log: () => readFileSync(join(logDir, 'app.log'), 'utf8'),
    metric: async (name: string) =>
      Number(
        new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await page('/metrics')).text())?.[1] ?? Number.NaN,
      ),
    readiness: async () => (await page('/readyz')).status,
  };
}

test('a worker sends over TLS with its login, counts it, and tells each partition of a restore', {
  skip,
}, async () => {
  const topic = 'secure';
  await broker.createTopic(topic, PARTITIONS);
  const worker = await startSecureWorker(topic, LOGIN.password);
  await pay(STEP);
  await untilSaved(topic);
  const ids = await transferIds();
  assert.ok(hasAll(ids)(await broker.read(topic)));
  // The place is saved a moment before they are counted.
  await until(
    'they are counted',
    async () => (await worker.metric('ppuri_kafka_events_sent_total')) >= ids.length,
  );
  await until('nothing waits', async () => (await worker.metric('ppuri_kafka_lag_seconds')) === 0);
  assert.ok((await worker.metric('ppuri_kafka_failures_total')) >= 0);
  await stack.db.query(`UPDATE feed_state SET epoch = 'fedcba9876543210'`);
  await until('each partition has the notice', async () => {
    const notices = (await broker.read(topic)).filter((one) => eventOf(one).type === 'feed.restarted');
    return new Set(notices.map(({ partition }) => partition)).size === PARTITIONS;
  });
  await worker.stop();
});

test('with another password a worker sends nothing, goes on working, and tells the password to nobody', {
  skip,
}, async () => {
  const topic = 'refused';
  const password = 'not-the-password';
  await broker.createTopic(topic, 1);
  const worker = await startSecureWorker(topic, password);
  await until('it has failed twice', async () => (await worker.metric('ppuri_kafka_failures_total')) >= 2);
  // On a slow machine the first attempts may fail because they take too long.
  await until('it is refused', () => /KafkaError SASL_AUTHENTICATION_FAILED/.test(worker.log()));
  assert.ok(!worker.log().includes(password));
  await until('it tells the lag', async () => (await worker.metric('ppuri_kafka_lag_seconds')) > 0);
  assert.equal(await worker.readiness(), 200);
  assert.equal(await worker.stop(), 0);
  assert.deepEqual(await broker.read(topic), []);
});
