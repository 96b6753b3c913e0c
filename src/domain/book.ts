// The book: what one batch of calls knows of the ledger, and what they decide to change in it.

import { type Account, credited, debited } from './account.ts';
import { type Attempt, type Mark, markOf } from './attempt.ts';
import { checkAmount, checkMemo, checkName } from './bounds.ts';
import type { Currency } from './currency.ts';
import { InvariantError } from './error-fields.ts';
import type { IdempotencyKey, RequestedMoney, WalletRef } from './intent.ts';
import type { NewJob } from './jobs.ts';
import { Journal } from './journal.ts';
import { OwnedBook, type OwnedCounts } from './owned-book.ts';
import type { Payout } from './payout.ts';
import { PayoutBook } from './payout-book.ts';
import type { Random } from './random.ts';
import { Refusal, refuseField } from './refusal.ts';
import { type LoadedRooms, RoomBook } from './room-book.ts';
import { MICROS_PER_MS, type Micros } from './time.ts';
import { type Transfer, type TransferKind, transferId } from './transfer.ts';

/** An answer that was given under an idempotency key. */
export interface Answer {
  readonly fingerprint: string;
  readonly outcome: unknown;
}

/** An answer that the batch gave. */
export interface NewAnswer {
  readonly key: IdempotencyKey;
  readonly outcome: unknown;
  /** The RPC that gave it; undefined where it is the system's own. */
  readonly rpc: string | undefined;
  /** The mark that stood in its place when the batch looked. */
  readonly replaces: Mark | undefined;
}

/** A mark that a refusal of the batch leaves. */
export interface NewMark {
  readonly key: Pick<IdempotencyKey, 'userId' | 'key'>;
  readonly mark: Mark;
}

/** What a batch has read of the ledger after it locked the accounts. */
export interface Loaded {
  /** The database's clock once the locks were held: what is due, over or too late is decided by it alone. */
  readonly at: Micros;
  readonly accounts: Iterable<Account>;
  readonly rooms: LoadedRooms;
  readonly payouts: Iterable<Payout>;
  /** What users have, where calls make more of it. */
  readonly owned?: ReadonlyMap<bigint, OwnedCounts>;
  /** Answers given before, each under what answerKey() says. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Marks that refusals left under these keys, in the same way. */
  readonly marks: ReadonlyMap<string, Mark>;
}

/**
 * How far ahead of the database's clock the moment of a transfer may be, in milliseconds. post_dated_transfers() refuses
 * the same. A clock that jumps back by more than that stops the accounts that were busy until it has caught up; otherwise
 * wrong moments would go from account to account with the money.
 */
export const MAX_AHEAD_MS = 60_000;

/** A movement of money to post. */
export interface Movement {
  readonly kind: TransferKind;
  readonly debit: Account;
  readonly credit: Account;
  /** Above zero, in the smallest unit of the accounts' currency. */
  readonly amount: bigint;
  readonly memo?: string;
  readonly sprinkleId?: string;
}

/** Under what an answer is kept. */
export function answerKey(key: Pick<IdempotencyKey, 'userId' | 'key'>): string {
  return `${key.userId}/${key.key}`;
}

/** What a batch knows and changes. Its calls are decided one after the other; nothing outside shares it. */
export class Book {
  readonly at: Micros;
  readonly random: Random;
  readonly rooms: RoomBook;
  readonly payouts: PayoutBook;
  readonly owned: OwnedBook;
  readonly #journal = new Journal();
  readonly #accounts = new Map<string, Account>();
  readonly #defaultWallets = new Map<bigint, string>();
  readonly #externals = new Map<Currency, string>();
  readonly #answers: Map<string, Answer>;
  readonly #loadedMarks: ReadonlyMap<string, Mark>;
  readonly #newMarks = new Map<string, NewMark>();
  readonly #loadedAccounts: readonly Account[];
  /** From when on accounts can post whose last transfer is dated later than the clock. */
  readonly #datedAhead = new Map<string, Micros>();
  readonly #openedAccountIds: string[] = [];
  readonly #newJobs = new Map<string, NewJob>();
  #keyId: string | undefined;
  /** Accounts that calls were refused for, because their last transfer is dated too far ahead of the clock. */
  readonly accountsTooFarAhead = new Set<string>();
  readonly newTransfers: Transfer[] = [];
  readonly newAnswers: NewAnswer[] = [];

  constructor(loaded: Loaded, random: Random) {
    this.at = loaded.at;
    this.random = random;
    this.rooms = new RoomBook(loaded.rooms, this.#journal);
    this.payouts = new PayoutBook(loaded.payouts, this.#journal);
    this.owned = new OwnedBook(loaded.owned ?? new Map(), this.#journal);
    this.#loadedAccounts = [...loaded.accounts];
    this.#answers = new Map(loaded.answers);
    this.#loadedMarks = loaded.marks;
    for (const account of this.#loadedAccounts) {
      this.#accounts.set(account.id, account);
      if (account.updatedAt >= this.at) this.#datedAhead.set(account.id, account.updatedAt + 1);
      if (account.kind === 'external') this.#externals.set(account.currency, account.id);
      if (account.isDefault && account.ownerUserId !== undefined) {
        this.#defaultWallets.set(account.ownerUserId, account.id);
      }
    }
  }

  /** The wallet that a caller named; refuses one that does not exist, naming the caller's field. */
  wallet(ref: WalletRef): Account {
    if ('defaultOf' in ref) {
      const id = this.#defaultWallets.get(ref.defaultOf);
      if (id === undefined) throw refuseField('USER_NOT_FOUND', ref.field);
      return this.account(id);
    }
    const account = this.#accounts.get(ref.walletId);
    if (account?.kind !== 'wallet') throw refuseField('WALLET_NOT_FOUND', ref.field);
    return account;
  }

  /** The wallet that a caller named, which must be this user's: another's is the same as none. */
  ownWallet(ref: WalletRef, userId: bigint): Account {
    const wallet = this.wallet(ref);
    if (wallet.ownerUserId !== userId) throw refuseField('WALLET_NOT_FOUND', ref.field);
    return wallet;
  }

  /** The account outside the system that money of a currency comes from and goes to. */
  external(currency: Currency): Account {
    const id = this.#externals.get(currency);
    if (id === undefined)
      throw new InvariantError(`the batch has not loaded an external account in ${currency}`);
    return this.account(id);
  }

  /** An account that the batch has loaded or opened. */
  account(id: string): Account {
    const account = this.#accounts.get(id);
    if (!account) throw new InvariantError(`the batch has not loaded account ${id}`);
    return account;
  }

  /** Adds an account; it starts empty. */
  open(account: Pick<Account, 'kind' | 'currency' | 'ownerUserId' | 'displayName'>): Account {
    if (account.kind === 'wallet') checkName(account.displayName);
    const opened: Account = {
      ...account,
      id: this.random.uuid(),
      isDefault: false,
      balance: 0n,
      overdraftLimit: 0n,
      version: 0,
      createdAt: this.at,
      updatedAt: this.at,
    };
    this.#accounts.set(opened.id, opened);
    this.#openedAccountIds.push(opened.id);
    this.#journal.note(() => {
      this.#accounts.delete(opened.id);
      this.#openedAccountIds.pop();
    });
    return opened;
  }

  /** Moves money from one account to another; refuses what their limits don't allow. */
  post({ kind, debit, credit, amount, memo = '', sprinkleId }: Movement): Transfer {
    checkMemo(memo);
    const payer = this.account(debit.id);
    const payee = this.account(credit.id);
    if (amount <= 0n || payer.id === payee.id || payer.currency !== payee.currency) {
      throw new InvariantError('a movement takes an amount above zero between two accounts of one currency');
    }
    const moment = this.#momentFor(payer, payee);
    const payerAfter = debited(payer, amount, moment);
    const payeeAfter = credited(payee, amount, moment);
    const transfer: Transfer = {
      id: transferId(moment, this.newTransfers.length, this.random),
      createdAt: moment,
      kind,
      currency: payer.currency,
      amount,
      debitAccountId: payer.id,
      creditAccountId: payee.id,
      debitBalanceAfter: payerAfter.balance,
      creditBalanceAfter: payeeAfter.balance,
      sprinkleId,
      memo,
      keyId: this.#keyId,
    };
    this.#accounts.set(payer.id, payerAfter);
    this.#accounts.set(payee.id, payeeAfter);
    this.newTransfers.push(transfer);
    this.#journal.note(() => {
      this.#accounts.set(payer.id, payer);
      this.#accounts.set(payee.id, payee);
      this.newTransfers.pop();
    });
    return transfer;
  }

  /**
   * When a transfer between two accounts happens: now, but for an account whose last transfer is dated later, because the
   * clock went back since, just after that. So each account's transfers stay in order, and nobody else's are moved.
   * Refuses (UNAVAILABLE) to go further ahead of the clock than MAX_AHEAD_MS.
   */
  #momentFor(payer: Account, payee: Account): Micros {
    // In a batch of the usual kind none is later than the clock, and this is all there is to do.
    if (this.#datedAhead.size === 0) return this.at;
    const earliest = ({ id, updatedAt }: Account) => Math.max(updatedAt, this.#datedAhead.get(id) ?? 0);
    const moment = Math.max(this.at, earliest(payer), earliest(payee));
    const aheadMs = Math.ceil((moment - this.at) / MICROS_PER_MS);
    if (aheadMs <= MAX_AHEAD_MS) return moment;
    this.accountsTooFarAhead.add(earliest(payer) === moment ? payer.id : payee.id);
    throw new Refusal('UNAVAILABLE', { retryAfterMs: aheadMs - MAX_AHEAD_MS });
  }

  /** The API key that signed the call which is being decided; undefined where it is the system's own. */
  get keyId(): string | undefined {
    return this.#keyId;
  }

  /** Whatever is posted from now on was asked for by a call that this key signed. */
  signedBy(keyId: string | undefined): void {
    this.#keyId = keyId;
  }

  /** Runs one call's decision; a refusal leaves the book as it was before. */
  attempt<T>(decide: () => T): T {
    return this.#journal.attempt(decide);
  }

  /** The answer that was given under a key, before this batch or in it. */
  answer(key: IdempotencyKey): Answer | undefined {
    return this.#answers.get(answerKey(key));
  }

  /** Keeps the answer of a call that was just decided. */
  remember(key: IdempotencyKey, outcome: unknown, rpc: string | undefined): void {
    const name = answerKey(key);
    const refused = this.#newMarks.get(name);
    this.#answers.set(name, { fingerprint: key.fingerprint, outcome });
    this.newAnswers.push({ key, outcome, rpc, replaces: this.#loadedMarks.get(name) });
    this.#newMarks.delete(name);
    this.#journal.note(() => {
      this.#answers.delete(name);
      this.newAnswers.pop();
      if (refused) this.#newMarks.set(name, refused);
    });
  }

  /** The mark that a refusal left under a key, before this batch or in it. */
  mark(key: IdempotencyKey): Mark | undefined {
    const name = answerKey(key);
    return this.#newMarks.get(name)?.mark ?? this.#loadedMarks.get(name);
  }

  /** Notes that an attempt was refused, so that no earlier one under its key posts. */
  leaveMark(key: IdempotencyKey, attempt: Attempt): void {
    this.#newMarks.set(answerKey(key), { key, mark: markOf(attempt, this.at, this.mark(key)) });
  }

  /** The marks that the batch leaves. */
  newMarks(): NewMark[] {
    return [...this.#newMarks.values()];
  }

  /** Asks for work after the batch. The same job with the same data for the same moment is one, however often asked for. */
  enqueue(job: NewJob): void {
    const name = JSON.stringify([job.job, job.runAt, job.data]);
    if (this.#newJobs.has(name)) return;
    this.#newJobs.set(name, job);
    this.#journal.note(() => this.#newJobs.delete(name));
  }

  /** The work that the batch asks for. */
  newJobs(): NewJob[] {
    return [...this.#newJobs.values()];
  }

  /** The accounts that the batch opened, as they are now. */
  openedAccounts(): Account[] {
    return this.#openedAccountIds.map((id) => this.account(id));
  }

  /** The loaded accounts that the batch left as they were. */
  unchangedAccounts(): Account[] {
    return this.#loadedAccounts.filter((before) => this.account(before.id) === before);
  }

  /** The loaded accounts that the batch changed, as they are now. */
  changedAccounts(): Account[] {
    return this.#loadedAccounts
      .map((before) => this.account(before.id))
      .filter((account, index) => account !== this.#loadedAccounts[index]);
  }
}

/** Refuses money that no request may be about, or in another currency than a wallet's, naming the caller's field. */
export function checkMoney(money: RequestedMoney, wallet: Account): void {
  checkAmount(money.amount, money.field.replace(/\.currency_code$/, ''));
  checkCurrency(money, wallet);
}

/** Refuses money in another currency than a wallet's, naming the caller's field. */
export function checkCurrency(money: RequestedMoney, wallet: Account): void {
  if (money.currency !== wallet.currency) {
    throw refuseField('CURRENCY_MISMATCH', money.field, {
      en: `the wallet is kept in ${wallet.currency}`,
      ko: `지갑의 통화는 ${wallet.currency}입니다`,
    });
  }
}
