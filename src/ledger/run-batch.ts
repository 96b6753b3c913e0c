// One batch of calls as one database transaction: lock and read, decide, write, commit.
//
// This file alone begins and commits batches. What is read and written is the facets' (facets/index.ts).
import type { PoolClient, QueryConfig } from 'pg';
import { inOneWrite, sqlState } from '../db/pool.ts';
import { LOCK_WAIT_MS } from '../db/timeouts.ts';
import { withConnection } from '../db/transaction.ts';
import { type Attempt, MAX_ATTEMPT_MS } from '../domain/attempt.ts';
import { decide } from '../domain/batch/decide.ts';
import { BatchContext, type LedgerBatch } from '../domain/batch/ledger-batch.ts';
import { Refusal } from '../domain/refusal.ts';
import { MICROS_PER_MS } from '../domain/time.ts';
import { allDone, StaleReadError } from './facet.ts';
import { STATEMENTS } from './facets/index.ts';
import type { BatchTools, Posted } from './ledger-tools.ts';
import { loadBatch } from './load-batch.ts';
import { refuseUnavailable, type WaitFor, type WaitingCall } from './waiting-call.ts';

/** How often a batch that conflicted with another one runs again before its calls are refused with CONFLICT. */
const MAX_ATTEMPTS = 5;

/** Another batch got in between: a unique key, a serialization failure or a deadlock. Running again sees what it did. */
const CONFLICT_STATES = new Set(['23505', '40001', '40P01']);

/**
 * Runs a batch until it commits, at most MAX_ATTEMPTS times where it conflicts with others, and returns how to answer its
 * calls. Throws what Postgres says (SQLSTATE 55P03 if it waited for a lock longer than lock_timeout), and refuses CONFLICT.
 */
export async function runBatch(
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor: WaitFor | undefined,
): Promise<() => Promise<void>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withConnection(tools.pool, (client) => attemptOnce(client, tools, calls, waitFor));
    } catch (error) {
      if (!isConflict(error)) throw error;
      tools.observer?.conflicted(attempt === MAX_ATTEMPTS);
      if (attempt === MAX_ATTEMPTS) throw new Refusal('CONFLICT', { retryAfterMs: 100 });
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof StaleReadError || CONFLICT_STATES.has(sqlState(error) ?? '');
}

async function attemptOnce(
  client: PoolClient,
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor: WaitFor | undefined,
): Promise<() => Promise<void>> {
  const context = new BatchContext(tools.random, tools.policies, tools);
  const begin = () => (waitFor ? beginAfter(client, waitFor) : client.query('BEGIN'));
  const batch = await loadBatch(client, calls, context, begin);
  const answers: (() => void)[] = [];
  const posted: Posted[] = [];
  for (const call of calls) {
    batch.jobs.trace = call.info.trace;
    const before = batch.transfers.posted.length;
    answers.push(answerOf(call, batch));
    for (const transfer of batch.transfers.posted.slice(before))
      posted.push({ transfer, requestId: call.info.id, trace: call.info.trace });
  }
  const { accountsTooFarAhead } = batch.transfers;
  if (accountsTooFarAhead.size > 0) tools.observer?.tooFarAhead?.([...accountsTooFarAhead]);
  const accounts = [...batch.accounts.changed(), ...batch.accounts.opened()];
  const restated = batch.answers.hasStored ? batch.accounts.unchanged() : [];
  const newSprinkles = batch.sprinkles.created.map(({ sprinkle }) => sprinkle);
  const written = write(client, batch);
  // While Postgres writes, others get ready for the commit.
  const ready = tools.beforeCommit({ accounts, restated, newSprinkles });
  const commitMs = await commit(client, written, ready);
  tools.observer?.committed(commitMs / 1000);
  const afterCommit = await ready;
  return async () => {
    tools.onCommit({ posted, accounts });
    // Committed, but stale reads are possible for a moment: answer UNAVAILABLE and let the retry return the stored answer.
    await afterCommit()?.catch(() => refuseUnavailable(calls));
    for (const answer of answers) answer();
  };
}

/**
 * Begins a transaction with the lock of one row. Until it has that lock it holds no other that somebody could want. It
 * goes against the order of ids, so a circle is possible; lock_timeout ends it.
 */
function beginAfter(client: PoolClient, { row, withinMs }: WaitFor): Promise<unknown> {
  return allDone([
    client.query(`BEGIN; SET LOCAL lock_timeout = ${Math.ceil(withinMs)}`),
    client.query({
      name: `wait-for-${row.table}`,
      text: `SELECT FROM ${row.table} WHERE id = $1 FOR NO KEY UPDATE`,
      values: [row.id],
    }),
    client.query(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`),
  ]);
}

/** Sends every statement that has rows, once the parameters of all of them are there. Throws what Postgres says. */
function write(client: PoolClient, batch: LedgerBatch): Promise<unknown> {
  const queries: QueryConfig[] = [];
  for (const { name, text, rows, values } of STATEMENTS) {
    const given = rows(batch);
    if (given.length > 0) queries.push({ name, text, values: [...values(given, batch)] });
  }
  let sent: Promise<unknown>[] = [];
  inOneWrite(client, () => {
    sent = queries.map((query) => client.query(query));
  });
  return allDone(sent);
}

/**
 * Sends COMMIT as soon as `ready` is fulfilled. Nobody looks at what was written first: each statement raises where it cannot do
 * all of its work, and a COMMIT that follows an error rolls back. Returns how long the commit took by itself, in
 * milliseconds; then everything is on disk. Throws what Postgres says or `ready` rejects with.
 */
async function commit(
  client: PoolClient,
  written: Promise<unknown>,
  ready: Promise<unknown>,
): Promise<number> {
  let committingAt = 0;
  const begins = () => {
    committingAt = performance.now();
  };
  const committed = ready.then(() => {
    begins();
    return client.query('COMMIT');
  });
  const [, { command }] = await allDone([written.then(begins), committed]);
  if (command !== 'COMMIT') throw new Error(`Postgres answered the COMMIT of a batch with ${command}`);
  return performance.now() - committingAt;
}

/**
 * Decides one call and returns how to answer it. Even a refusal waits for the commit: it may rest on what an earlier
 * call of the batch did.
 */
function answerOf(call: WaitingCall, batch: LedgerBatch): () => void {
  try {
    // Waiting for the locks takes time, too: what nobody waits for any more must not move money.
    if (isOver(call)) throw new Refusal('DEADLINE_EXCEEDED');
    const outcome = decide(call, batch, attemptOf(call, batch));
    return () => call.resolve(outcome);
  } catch (error) {
    return () => call.reject(error);
  }
}

function isOver({ info: { deadlineMs, made } }: WaitingCall): boolean {
  return (
    deadlineMs <= Date.now() || (made !== undefined && performance.now() - made.receivedAt > MAX_ATTEMPT_MS)
  );
}

/**
 * When the call arrived, by the database's clock: the reading of that clock minus the time the call has spent here. The
 * time in which the reading travelled counts as well, so a call seems older than it is and never younger. The reading is
 * the batch's own, so no two clocks are compared, and none has to keep pace for longer than the batch takes.
 */
function attemptOf({ info: { made } }: WaitingCall, { at, clockReadAt }: LedgerBatch): Attempt | undefined {
  if (!made) return undefined;
  return { signedAt: made.signedAt, arrivedAt: at - (clockReadAt - made.receivedAt) * MICROS_PER_MS };
}
