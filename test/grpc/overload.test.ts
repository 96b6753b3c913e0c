// Load shedding: calls above the limit are refused at once, reads before money, and nothing is lost.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, expectRefusal, withKey } from '../api.ts';
import { readMetrics, sumOf } from '../runtime/ops-client.ts';
import { type Stack, startStack } from '../stack.ts';
import { until, untilLocked } from '../until.ts';

const [ANNA, BO] = [8401, 8402];
const MAX = 20;
let stack: Stack;

before(async () => {
  stack = await startStack({ env: { MAX_IN_FLIGHT: String(MAX) } });
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1_000_000);
});
after(() => stack.stop());

const pay = (key: string) => stack.as(ANNA).pay(BO, 1, key);
const readBalance = () => stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));

/** Waits until the server has so many transfers under way. */
const untilInFlight = (count: number) =>
  until(`${count} transfers are under way`, async () => {
    const samples = await readMetrics(`http://127.0.0.1:${stack.app.opsPort}`);
    return sumOf(samples, 'ppuri_rpc_in_flight', { method: 'Transfer' }) === count;
  });

/** Does something while no call that moves money can come to its end. */
async function whileStuck<T>(work: () => Promise<T>): Promise<T> {
  const client = await stack.db.connect();
  await client.query('BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

test('calls above the limit are refused at once with a retry delay; reads are refused first', async () => {
  const keys = Array.from({ length: MAX }, () => crypto.randomUUID());
  const { first, refused } = await whileStuck(async () => {
    // Transfers take a quarter of the places, which leaves none for reads.
    const first = keys.slice(0, MAX * 0.25).map(pay);
    await untilInFlight(first.length);
    const startedAt = performance.now();
    assert.equal((await readBalance()).reason, 'UNAVAILABLE');
    const rest = keys.slice(MAX * 0.25).map(pay);
    await untilInFlight(MAX);
    const refused = await pay(crypto.randomUUID());
    assert.ok(performance.now() - startedAt < 2000, 'the refusals waited');
    first.push(...rest);
    return { first, refused };
  });
  expectRefusal(refused, 'ERR009', 'UNAVAILABLE', 'any');
  // What was taken is done.
  assert.ok((await Promise.all(first)).every(({ status }) => status === 0));
  const { rows } = await stack.db.query(
    `SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer'`,
  );
  assert.equal(rows[0]?.count, MAX);
  assert.equal((await readBalance()).status, 0);
});

test('a call whose deadline passes while it waits posts nothing', async () => {
  const before = await readBalance();
  const { late, other } = await whileStuck(async () => {
    // Two batches hold both lanes; what comes then waits in the queue.
    const other = [pay(crypto.randomUUID())];
    await untilLocked(stack.db);
    other.push(pay(crypto.randomUUID()));
    await untilInFlight(2);
    const late = await stack.grpc.call(
      'wallet.v1.WalletService/Transfer',
      { to_user_id: BO, amount: 1000 },
      withKey(ANNA, 'late'),
      300,
    );
    return { late, other };
  });
  // DEADLINE_EXCEEDED by the client itself: no answer reached it in time.
  assert.equal(late.status, 4);
  assert.ok((await Promise.all(other)).every(({ status }) => status === 0));
  // Whatever waited in the queue had its turn before this one.
  assert.equal((await pay(crypto.randomUUID())).status, 0);
  assert.equal(Number((await readBalance()).body.balance), Number(before.body.balance) - 3);
});
