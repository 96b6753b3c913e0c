// One batch of calls as one database transaction: lock and read, decide, write, commit.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Account } from '../../domain/account.ts';
import { type Attempt, MAX_ATTEMPT_MS } from '../../domain/attempt.ts';
import type { Book } from '../../domain/book.ts';
import { type Call, decide } from '../../domain/decide.ts';
import type { Random } from '../../domain/random.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Sprinkle } from '../../domain/sprinkle.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import type { Transfer } from '../../domain/transfer.ts';
import { isUnreachable, sqlState } from '../pool.ts';
import { findBlocked, type LockedRow, namesOf } from './find-blocked.ts';
import { BookMovedError, type ClockReading, loadBook, type WaitFor } from './load-book.ts';
import { writeBook } from './write-book.ts';

/** A call that waits for its answer. */
export interface WaitingCall extends Call {
  /** When it joined the queue, by performance.now(). */
  readonly arrivedAt: number;
  /** How many movements of money it may take. */
  readonly weight: number;
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What a batch put on disk. */
export interface Committed {
  readonly posted: readonly { readonly transfer: Transfer; readonly requestId: string }[];
  /** The accounts that changed, as they are now. */
  readonly accounts: readonly Account[];
}

/** What a batch changes, once it is committed. */
export interface Changes {
  readonly accounts: readonly Account[];
  /**
   * Accounts that it locked for calls which got the answer given before. What that answer tells of may have become visible
   * only now, long after its batch, and a copy from in between must not outlast this answer.
   */
  readonly restated: readonly Account[];
  readonly newSprinkles: readonly Sprinkle[];
}

/** What remains to be done once a batch is committed; its calls are answered afterwards. Undefined: nothing to wait for. */
export type AfterCommit = () => Promise<void> | undefined;

/** Told of what batches do, for whoever watches the ledger; all times are in seconds. None of it may throw. */
export interface LedgerObserver {
  /** A call left the queue for a batch, after waiting so long. */
  waited(seconds: number): void;
  /** A batch of so many calls has answered each of them. */
  batched(size: number, seconds: number): void;
  /** A batch is on disk; its COMMIT alone took so long. */
  committed(seconds: number): void;
  /** A batch met another one; it is run again, or given up. */
  conflicted(isGivenUp: boolean): void;
  /** Calls were refused, because these accounts' last transfers are dated further ahead of the clock than is allowed. */
  tooFarAhead?(accountIds: readonly string[]): void;
  /** A batch could not reach the database. */
  unreachable(error: Error): void;
}

/** For a ledger that nobody keeps copies of. */
export const NO_COPIES = async (): Promise<AfterCommit> => () => undefined;

/** What a batch works with. */
export interface BatchTools {
  readonly pool: Pool;
  readonly random: Random;
  /** Told before a commit, which waits for it; where it throws, nothing is committed. */
  readonly beforeCommit: (changes: Changes) => Promise<AfterCommit>;
  /** Told after the commit and before the calls are answered. It must not throw. */
  readonly onCommit: (committed: Committed) => void;
  readonly observer?: LedgerObserver;
}

/** How often a batch that met another one is run again before its calls are refused with CONFLICT. */
const MAX_ATTEMPTS = 5;

/** Another batch got in between: a unique key, a serialization failure or a deadlock. Running again sees what it did. */
const CONFLICT_STATES = new Set(['23505', '40001', '40P01']);

/** What waits for a lock longer than the connection allows ends with this SQLSTATE. */
const LOCK_NOT_AVAILABLE = '55P03';

/** How often a batch in which a lock was waited for in vain is run again when nothing of it is found locked. */
const MAX_LOCK_TRIES = 2;

/** A call that waits for a locked row. */
export interface BlockedCall {
  readonly call: WaitingCall;
  readonly name: string;
  readonly row: LockedRow | undefined;
}

/** The calls that a batch has not answered, because rows that they need are locked by others. */
export interface Rest {
  /** Those that need a row which is known to be locked, with its name; without the row where all of its table is locked. */
  readonly blocked: readonly BlockedCall[];
  /** Those of which at least one needs a row that is locked, and nobody knows which. */
  readonly unclear: readonly WaitingCall[];
  /** Answered calls that made Postgres refuse the batch: a fault of ours or theirs, which their next calls may have too. */
  readonly offenders: readonly WaitingCall[];
}

const NOTHING: Rest = { blocked: [], unclear: [], offenders: [] };
/** The name of everything, where the whole table is locked. */
const EVERYTHING = 'everything';

/**
 * Runs a batch and answers its calls, all but those that wait for a row which somebody else has locked: these it returns,
 * and nothing of them is done. It waits for a lock as long as the connection says. It never throws.
 */
export async function runBatch(
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor?: WaitFor,
): Promise<Rest> {
  let tries = 0;
  for (;;) {
    try {
      const finish = await attemptUntilClear(tools, calls, waitFor);
      await finish();
      return NOTHING;
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) return answerFailed(tools, calls, waitFor, error);
      tries += 1;
      const isLastTry = tries === MAX_LOCK_TRIES || waitFor !== undefined;
      const rest = await whatIsBlocked(tools, calls, isLastTry);
      const left = new Set([...rest.blocked.map(({ call }) => call), ...rest.unclear]);
      if (left.size === 0) continue;
      const others = calls.filter((call) => !left.has(call));
      return others.length === 0 ? rest : joined(rest, await runBatch(tools, others, waitFor));
    }
  }
}

/** Which of the calls of a batch need what others have locked. Where nothing is found, nothing or, at last, all is unclear. */
async function whatIsBlocked(
  { pool, random }: BatchTools,
  calls: readonly WaitingCall[],
  isLastTry: boolean,
): Promise<Rest> {
  try {
    const locked = await findBlocked(pool, calls, random);
    const blocked = calls.flatMap((call) => {
      const { external, ...readSet } = call.command.readSet(call.intent, random);
      // The next try takes another one of the accounts outside.
      const names = namesOf(isLastTry && external ? { ...readSet, external } : readSet);
      const name = names.find((one) => locked.has(one));
      return name === undefined ? [] : [{ call, name, row: locked.get(name) }];
    });
    if (blocked.length > 0 || !isLastTry) return { ...NOTHING, blocked };
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE)
      return { ...NOTHING, blocked: calls.map((call) => ({ call, name: EVERYTHING, row: undefined })) };
    // Otherwise it could not be asked. The calls wait, and their next turn shows what is wrong.
  }
  return { ...NOTHING, unclear: calls };
}

/** Answers the calls of a batch that failed: all of them, or by halves, until the one that is to blame is alone. */
async function answerFailed(
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor: WaitFor | undefined,
  error: unknown,
): Promise<Rest> {
  if (isUnreachable(error)) {
    tools.observer?.unreachable(error);
    // Whether a commit was cut off is not known here; the retry under the same key finds out.
    refuseAll(calls);
    return NOTHING;
  }
  const [only] = calls;
  if (only && calls.length === 1) {
    only.reject(error);
    return error instanceof Refusal ? NOTHING : { ...NOTHING, offenders: [only] };
  }
  // Of n calls one costs 2 log2(n) more transactions, most of them small.
  const half = Math.ceil(calls.length / 2);
  const first = await runBatch(tools, calls.slice(0, half), waitFor);
  return joined(first, await runBatch(tools, calls.slice(half), waitFor));
}

function joined(one: Rest, other: Rest): Rest {
  return {
    blocked: [...one.blocked, ...other.blocked],
    unclear: [...one.unclear, ...other.unclear],
    offenders: [...one.offenders, ...other.offenders],
  };
}

async function attemptUntilClear(
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor: WaitFor | undefined,
): Promise<() => Promise<void>> {
  for (let attempt = 1; ; attempt++) {
    try {
      const work = (client: PoolClient) => attemptOnce(client, tools, calls, waitFor);
      return await inTransaction(tools, work, () => refuseAll(calls));
    } catch (error) {
      if (!isConflict(error)) throw error;
      tools.observer?.conflicted(attempt === MAX_ATTEMPTS);
      if (attempt === MAX_ATTEMPTS) throw new Refusal('CONFLICT', { retryAfterMs: 100 });
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof BookMovedError || CONFLICT_STATES.has(sqlState(error) ?? '');
}

async function attemptOnce(
  client: PoolClient,
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor: WaitFor | undefined,
): Promise<() => Promise<void>> {
  const { book, clock } = await loadBook(client, calls, tools.random, waitFor);
  const answers: (() => void)[] = [];
  const posted: { transfer: Transfer; requestId: string }[] = [];
  let restates = false;
  for (const call of calls) {
    restates ||= book.answer(call.key) !== undefined;
    const before = book.newTransfers.length;
    answers.push(answerOf(call, book, clock));
    for (const transfer of book.newTransfers.slice(before))
      posted.push({ transfer, requestId: call.info.id });
  }
  if (book.accountsTooFarAhead.size > 0) tools.observer?.tooFarAhead?.([...book.accountsTooFarAhead]);
  const accounts = [...book.changedAccounts(), ...book.openedAccounts()];
  const newSprinkles = book.rooms.newSprinkles.map(({ sprinkle }) => sprinkle);
  // While Postgres writes, others get ready for the commit.
  const restated = restates ? book.unchangedAccounts() : [];
  const ready = tools.beforeCommit({ accounts, restated, newSprinkles });
  const commitMs = await writeBook(client, book, ready);
  tools.observer?.committed(commitMs / 1000);
  const afterCommit = await ready;
  return async () => {
    tools.onCommit({ posted, accounts });
    await afterCommit()?.catch(() => refuseAll(calls));
    for (const answer of answers) answer();
  };
}

/** What these calls did is done, but could be seen undone for a moment: it is left to a retry to tell. */
function refuseAll(calls: readonly WaitingCall[]): void {
  for (const call of calls) call.reject(new Refusal('UNAVAILABLE', { retryAfterMs: 1000 }));
}

/**
 * Decides one call and returns how to answer it. Even a refusal waits for the commit: it may rest on what an earlier
 * call of the batch did.
 */
function answerOf(call: WaitingCall, book: Book, clock: ClockReading): () => void {
  try {
    // Waiting for the locks takes time, too: what nobody waits for any more must not move money.
    if (isOver(call)) throw new Refusal('DEADLINE_EXCEEDED');
    const outcome = decide(call, book, attemptOf(call, clock));
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
 * When the call arrived, by the database's clock: so long before the clock was read as it has been here since. What it
 * took to hear of the reading counts as well, so the call seems that much older and never younger. The reading is the
 * batch's own, so no clock is compared with another one's, and none has to keep pace for longer than the batch takes.
 */
function attemptOf({ info: { made } }: WaitingCall, { now, heardAt }: ClockReading): Attempt | undefined {
  if (!made) return undefined;
  return { signedAt: made.signedAt, arrivedAt: now - (heardAt - made.receivedAt) * MICROS_PER_MS };
}

async function inTransaction<T>(
  tools: BatchTools,
  work: (client: PoolClient) => Promise<T>,
  onLost: () => void,
): Promise<T> {
  const client = (await tools.pool.connect()) as PoolClient & { readonly processID: number };
  let broken: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    // A connection that cannot even roll back is closed, not given back.
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    // The lane may have to wait for the session's end; its callers need not.
    if (broken && isUnreachable(error)) onLost();
    throw error;
  } finally {
    client.release(broken);
    if (broken) await whileCommitting(tools.pool, client.processID);
  }
}

/** A commit that waits for a standby goes on without its client. */
const IS_COMMITTING = `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'`;
const ASK_AGAIN_MS = 1_000;

/**
 * Waits until a session that was given up no longer waits for a synchronous standby. Until then its lane must not open
 * another one: while the standby is away they would take all of Postgres' connections.
 */
async function whileCommitting(pool: Pool, pid: number): Promise<void> {
  const ask = () =>
    pool.query(IS_COMMITTING, [pid]).then(
      ({ rowCount }) => rowCount === 1,
      () => false,
    );
  while (await ask()) await sleep(ASK_AGAIN_MS);
}
