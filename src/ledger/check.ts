// Decides a command without doing it: what it would be refused for at this moment, and what its batch would have seen.
import type { Pool } from 'pg';
import type { UncountedWallet } from '../db/limits/index.ts';
import { withConnection } from '../db/transaction.ts';
import type { Check, LedgerCommand } from '../domain/batch/command.ts';
import { BatchContext, type LedgerBatch } from '../domain/batch/ledger-batch.ts';
import { systemKey } from '../domain/intent.ts';
import type { KnownPolicies } from '../domain/limit-policy.ts';
import type { Random } from '../domain/random.ts';
import { Refusal } from '../domain/refusal.ts';
import { StaleReadError, UncountedError } from './facet.ts';
import { loadBatch } from './load-batch.ts';
import { countWallet } from './uncounted-wallets.ts';

/** How often it reads again where policies have just changed, or wallets had to be counted first. */
const MAX_ATTEMPTS = 5;

/** How long wallets are counted before it reads again, in milliseconds. */
const COUNTING_MS = 1_000;

/** One moment's view of everything; it takes no locks on rows. */
const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** No answer is stored under it: it belongs to the system, and its jobs use other names. */
const NO_KEY = systemKey('check');

/** Checks commands over a pool. */
export function createCheck(pool: Pool, random: Random): Check {
  const policies: KnownPolicies = { current: undefined };
  return async <Intent, Seen>(
    command: LedgerCommand<Intent, unknown>,
    intent: Intent,
    callerId: bigint,
    view: (batch: LedgerBatch) => Seen,
  ) => {
    let uncounted: readonly UncountedWallet[] = [];
    for (let attempt = 1; ; attempt++) {
      for (const wallet of uncounted) await countWallet(pool, wallet, AbortSignal.timeout(COUNTING_MS));
      try {
        return await withConnection(pool, async (client) => {
          const context = new BatchContext(random, policies, { isCheck: true });
          const call = { command: command as LedgerCommand<unknown, unknown>, intent, key: NO_KEY };
          const batch = await loadBatch(client, [call], context, () => client.query(BEGIN));
          batch.callerId = callerId;
          const seen = view(batch);
          return { seen, refusal: refusalOf(() => command.decide(intent, batch)) };
        });
      } catch (error) {
        if (error instanceof UncountedError) uncounted = error.wallets;
        else if (!(error instanceof StaleReadError)) throw error;
        if (attempt === MAX_ATTEMPTS) throw new Refusal('UNAVAILABLE', { retryAfterMs: 1_000 });
      }
    }
  };
}

function refusalOf(decide: () => unknown): Refusal | undefined {
  try {
    decide();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
