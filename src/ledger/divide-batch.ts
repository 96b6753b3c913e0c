// Runs a batch, and divides it where it cannot be run as a whole: calls whose rows others hold locked, or whose wallets have to be
// counted first, are left out, and a call that makes Postgres refuse the batch is found by halves.
import { missingMonth } from '../db/missing-month.ts';
import { isUnreachable, LOCK_NOT_AVAILABLE, sqlState } from '../db/pool.ts';
import type { Random } from '../domain/random.ts';
import { Refusal } from '../domain/refusal.ts';
import { UncountedError } from './facet.ts';
import type { BatchTools } from './ledger-tools.ts';
import { findLockedRows, type LockedRow, rowNames } from './locked-rows.ts';
import { runBatch } from './run-batch.ts';
import {
  type BlockedCall,
  refuseUnavailable,
  type Unfinished,
  type WaitFor,
  type WaitingCall,
} from './waiting-call.ts';

/** How often a batch that ran into lock_timeout runs again when none of its rows is found locked. */
const MAX_LOCK_TRIES = 2;

const NOTHING: Unfinished = { blocked: [], undetermined: [], offenders: [] };
/** The name of all rows, for when a whole table is locked. */
const EVERYTHING = 'everything';

/**
 * Runs a batch and answers its calls, except those that need a row which another session holds locked or a wallet which has to be
 * counted first: it returns these, and nothing of them is done. It waits for a lock as long as the connection's lock_timeout. It never throws.
 */
export async function runDividing(
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor?: WaitFor,
): Promise<Unfinished> {
  let tries = 0;
  for (;;) {
    try {
      const finish = await runBatch(tools, calls, waitFor);
      await finish();
      return NOTHING;
    } catch (error) {
      let unfinished: Unfinished;
      if (error instanceof UncountedError) {
        tools.uncounted.count(error);
        unfinished = withoutUncounted(tools, calls, error);
      } else if (sqlState(error) === LOCK_NOT_AVAILABLE) {
        tries += 1;
        const isLastTry = tries === MAX_LOCK_TRIES || waitFor !== undefined;
        unfinished = await findBlocked(tools, calls, isLastTry);
      } else return answerFailed(tools, calls, waitFor, error);
      const left = new Set([...unfinished.blocked.map(({ call }) => call), ...unfinished.undetermined]);
      if (left.size === 0) continue;
      const others = calls.filter((call) => !left.has(call));
      return others.length === 0 ? unfinished : concat(unfinished, await runDividing(tools, others, waitFor));
    }
  }
}

/** Which calls of a batch need rows that others hold locked. If none is found, the last try returns all as undetermined. */
async function findBlocked(
  { pool, random, policies }: BatchTools,
  calls: readonly WaitingCall[],
  isLastTry: boolean,
): Promise<Unfinished> {
  try {
    const locked = await findLockedRows(pool, calls, random, policies.current !== undefined);
    const blocked = blockedBy(locked, calls, random, isLastTry);
    if (blocked.length > 0 || !isLastTry) return { ...NOTHING, blocked };
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE)
      return { ...NOTHING, blocked: calls.map((call) => ({ call, name: EVERYTHING, row: undefined })) };
    // Otherwise Postgres could not be asked. The calls wait, and their next turn shows what is wrong.
  }
  return { ...NOTHING, undetermined: calls };
}

/** The calls that need wallets which have to be counted first wait until that is done. */
function withoutUncounted(
  { random }: BatchTools,
  calls: readonly WaitingCall[],
  { names }: UncountedError,
): Unfinished {
  const uncounted = new Map([...names].map((name) => [name, undefined]));
  const blocked = blockedBy(uncounted, calls, random, false);
  return blocked.length > 0 ? { ...NOTHING, blocked } : { ...NOTHING, undetermined: calls };
}

/** The calls that name one of these rows. */
function blockedBy(
  rows: ReadonlyMap<string, LockedRow | undefined>,
  calls: readonly WaitingCall[],
  random: Random,
  hasExternals: boolean,
): BlockedCall[] {
  return calls.flatMap((call) => {
    const { external, ...readSet } = call.command.readSet(call.intent, random);
    // The next try takes another one of the external accounts.
    const names = rowNames(hasExternals && external ? { ...readSet, external } : readSet);
    const name = names.find((one) => rows.has(one));
    return name === undefined ? [] : [{ call, name, row: rows.get(name) }];
  });
}

/** Answers the calls of a batch that failed: all at once, or by halves until the call at fault is alone. */
async function answerFailed(
  tools: BatchTools,
  calls: readonly WaitingCall[],
  waitFor: WaitFor | undefined,
  error: unknown,
): Promise<Unfinished> {
  const month = missingMonth(error);
  if (month !== undefined) tools.observer?.monthMissing?.(month);
  else if (isUnreachable(error)) tools.observer?.unreachable(error);
  if (month !== undefined || isUnreachable(error)) {
    // A month is missing to all of them. Of a lost connection it is not known whether a commit was cut off; a retry under the same
    // key finds out.
    refuseUnavailable(calls);
    return NOTHING;
  }
  const [only] = calls;
  if (only && calls.length === 1) {
    only.reject(error);
    return error instanceof Refusal ? NOTHING : { ...NOTHING, offenders: [only] };
  }
  // One bad call among n costs 2 log2(n) more transactions, most of them small.
  const half = Math.ceil(calls.length / 2);
  const first = await runDividing(tools, calls.slice(0, half), waitFor);
  return concat(first, await runDividing(tools, calls.slice(half), waitFor));
}

function concat(one: Unfinished, other: Unfinished): Unfinished {
  return {
    blocked: [...one.blocked, ...other.blocked],
    undetermined: [...one.undetermined, ...other.undetermined],
    offenders: [...one.offenders, ...other.offenders],
  };
}
