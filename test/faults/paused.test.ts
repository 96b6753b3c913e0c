// A server process is paused in the middle of a transaction, as by a debugger or a starved machine: the others go on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { IDLE_IN_TRANSACTION_MS } from '../../src/db/timeouts.ts';
import { as } from '../api.ts';
import { type Answer, type ApiClient, grpcClient } from '../api-client.ts';
import { type ServerProcess, startServerProcess } from '../processes.ts';
import { assertBooksBalance, type Stack, serverEnv, startStack } from '../stack.ts';

const [PAYER, PAYEE] = [8501, 8502];
const OK = 0;
const UNAVAILABLE = 14;
/** So long a call waits for a lock, by CALL_TIMEOUT_MS (9 s); the pause must be over for it well before. */
const GOES_ON_WITHIN_MS = IDLE_IN_TRANSACTION_MS + 4_000;
let stack: Stack;
let server: ServerProcess;
let client: ApiClient;

before(async () => {
  stack = await startStack();
  server = await startServerProcess(serverEnv(stack.database, stack.logDir));
  client = grpcClient(server.address, stack.key);
  await stack.addUsers([PAYER, PAYEE]);
  await stack.fund([PAYER], 1_000_000);
});
after(async () => {
  client?.close();
  assert.equal(await server?.stop(), 0);
  await stack?.stop();
});

const pay = (through: ApiClient): Promise<Answer> => as(PAYER, through).pay(PAYEE, 1);

/** Whether a session holds the payer's wallet locked while it waits for its client. */
async function isHeld(): Promise<boolean> {
  const { rowCount: idle } = await stack.db.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
  );
  const { rowCount: free } = await stack.db.query(
    'SELECT FROM accounts WHERE owner_user_id = $1 FOR NO KEY UPDATE SKIP LOCKED',
    [PAYER],
  );
  return (idle ?? 0) > 0 && free === 0;
}

test('a process that is paused while it holds locks delays the others only briefly, and continues afterwards', async () => {
  let isOver = false;
  const answers: Answer[] = [];
  const traffic = Array.from({ length: 4 }, async () => {
    while (!isOver) answers.push(await pay(client));
  });
  // The pause must fall into the middle of a transaction: it is begun again until it does.
  for (let isPaused = false; !isPaused; ) {
    server.signal('SIGSTOP');
    // What was on its way to Postgres has arrived when the state is the same twice.
    isPaused = (await isHeld()) && (await sleep(50, true)) && (await isHeld());
    if (isPaused) break;
    server.signal('SIGCONT');
    await sleep(20);
  }
  try {
    const since = performance.now();
    const answer = await pay(stack.grpc);
    assert.equal(answer.status, OK, answer.reason);
    const tookMs = performance.now() - since;
    assert.ok(tookMs < GOES_ON_WITHIN_MS, `${tookMs} ms`);
  } finally {
    isOver = true;
    server.signal('SIGCONT');
  }
  await Promise.all(traffic);
  for (const { status, reason } of answers) assert.ok(status === OK || status === UNAVAILABLE, reason);
  const answer = await pay(client);
  assert.equal(answer.status, OK, answer.reason);
  await assertBooksBalance(stack.db);
});
