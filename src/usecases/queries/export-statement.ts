// Exports the statement of a wallet of the acting user: all transfers of a period with the balance after each.
import type { Account } from '../../domain/account.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import type { WalletRef } from '../../domain/intent.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import { RunningTotals, type StatementTotals, settledPart } from '../../domain/statement.ts';
import { BEGINNING_OF_TIME, END_OF_TIME, type Micros } from '../../domain/time.ts';
import type { Core } from '../core.ts';
import { getWallet } from './get-wallets.ts';
import { seenFrom, type Transaction } from './list-transactions.ts';

/** A statement in pieces: what there was before, pages of transfers, and what there was at the end. */
export type StatementPart =
  | StatementBound
  | { readonly kind: 'transfers'; readonly items: readonly Transaction[]; readonly firstNumber: number };

/** The beginning of a statement, whose totals are those before the period, or its end. */
export interface StatementBound {
  readonly kind: 'opening' | 'closing';
  readonly at: Micros;
  readonly wallet: Account;
  readonly totals: StatementTotals;
}

/** A period that was asked for; undefined bounds are those of the wallet's history. */
interface AskedPeriod {
  readonly from: Micros | undefined;
  readonly before: Micros | undefined;
}

/** Exports statements, and knows how many it exports. */
export type Statements = (
  userId: bigint,
  ref: WalletRef,
  asked: AskedPeriod,
  isOver: AbortSignal,
) => AsyncGenerator<StatementPart>;

/** Statements under way in a process: each holds two pages in memory, 2 MB, and no connection while its reader is slow. */
const MAX_STATEMENTS = 8;
const MAX_PER_USER = 2;
const RETRY_AFTER_MS = 5000;

/**
 * A statement covers the part of its period to which nothing can be added, so that the same call gets the same answer
 * later and the next one continues it. Refuses WALLET_NOT_FOUND, INVALID_FIELD for a period in the future, RATE_LIMITED for
 * too many statements of a user, and UNAVAILABLE for too many of a process.
 */
export function createStatements(core: Core): Statements {
  const enter = createEntrance();
  return async function* (userId, ref, asked, isOver) {
    const wallet = await getWallet(core, userId, ref);
    const leave = enter(userId);
    try {
      yield* parts(core, wallet, asked, isOver);
    } finally {
      leave();
    }
  };
}

async function* parts(
  { wallets, transfers }: Core,
  wallet: Account,
  asked: AskedPeriod,
  isOver: AbortSignal,
): AsyncGenerator<StatementPart> {
  const known = await wallets.settled(wallet.id);
  if (!known) throw new InvariantError('a wallet is gone');
  if (asked.from !== undefined && asked.from > known.now)
    throw refuseField('INVALID_FIELD', 'created_from', {
      en: 'must not be in the future',
      ko: '미래의 시각일 수 없습니다',
    });
  const whole = { from: asked.from ?? BEGINNING_OF_TIME, before: asked.before ?? END_OF_TIME };
  const { from, before } = settledPart(whole, known.settled, known.lastChange);
  const totals = new RunningTotals(await wallets.balanceAsOf(wallet.id, from - 1));
  const openedAt = Math.min(Math.max(from, wallet.createdAt), before);
  yield { kind: 'opening', at: openedAt, wallet, totals };
  for await (const page of transfers.history(wallet.id, from, before)) {
    isOver.throwIfAborted();
    const firstNumber = totals.count + 1;
    const items = page.map((posted) => seenFrom(wallet.id, posted));
    for (const { transfer, direction, balanceAfter } of items)
      totals.add(transfer.id, direction, transfer.amount, balanceAfter);
    yield { kind: 'transfers', items, firstNumber };
  }
  yield { kind: 'closing', at: before, wallet, totals };
}

/** Counts statements under way until each leaves, and refuses further ones above the limits. */
function createEntrance(): (userId: bigint) => () => void {
  const byUser = new Map<bigint, number>();
  let all = 0;
  return (userId) => {
    const own = byUser.get(userId) ?? 0;
    const quota = { retryAfterMs: RETRY_AFTER_MS, quota: 'statements' };
    if (own >= MAX_PER_USER) throw new Refusal('RATE_LIMITED', quota);
    if (all >= MAX_STATEMENTS) throw new Refusal('UNAVAILABLE', quota);
    byUser.set(userId, own + 1);
    all += 1;
    return () => {
      const left = (byUser.get(userId) ?? 0) - 1;
      if (left > 0) byUser.set(userId, left);
      else byUser.delete(userId);
      all -= 1;
    };
  };
}
