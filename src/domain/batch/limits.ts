// Limits on what users hold and move, decided for each movement of a batch.
//
// What a wallet has moved lies in its own row, and what is set for its owner in the row of the owner's default wallet. While
// policies are in force a batch locks the default wallet of each owner along with the wallets, so what is decided here holds
// when it commits: whatever brings a user money takes that lock. Of other wallets and pots of users that have some, it reads what
// they hold.
import type { Account, WalletOwner } from '../account.ts';
import { CURRENCIES, type Currency } from '../currency.ts';
import { InvariantError } from '../error-fields.ts';
import type { LimitKind, LimitPolicies, Limits as LimitsByKind } from '../limit-policy.ts';
import { limitRefusal, type ReachedLimit, resetsAt, type Standing, standings } from '../limit-standing.ts';
import { Refusal } from '../refusal.ts';
import type { Micros } from '../time.ts';
import {
  afterIn,
  afterOut,
  COUNTED,
  type CountedWallet,
  isOf,
  type Moved,
  NOTHING_MOVED,
  together,
  type Usage,
  usageAt,
} from '../usage.ts';
import type { LedgerBatch } from './ledger-batch.ts';
import type { Movement } from './transfers.ts';

declare module './ledger-batch.ts' {
  interface LedgerBatch {
    readonly limits: Limits;
  }
}

/** What a user has in a currency who has more than one wallet, or pots. */
export interface Elsewhere {
  /** In wallets and pots that the batch has not locked, in the smallest unit of the currency. */
  readonly held: bigint;
  /** What those wallets have moved. */
  readonly wallets: readonly CountedWallet[];
  /** Wallets of the user in this currency, and pots of it, that the batch has locked. */
  readonly walletIds: readonly string[];
  readonly potIds: readonly string[];
  /** Whether any pot of the user holds something. */
  readonly hasPots: boolean;
}

/** An account that a movement has made. */
interface NewAccount extends Omit<Account, 'usage'> {
  usage?: Usage;
}

/** Names what a user has in a currency. */
export function ownerKey(userId: bigint, currency: Currency): string {
  return `${userId}/${currency}`;
}

/** A user who has nothing besides one wallet. */
export const NOTHING_ELSE: Elsewhere = { held: 0n, wallets: [], walletIds: [], potIds: [], hasPots: false };
/** How long to wait where the clock was set back over midnight and another wallet of the user is still ahead. */
const TRY_AGAIN_MS = 1_000;

/** The limits of one batch. */
export class Limits {
  readonly #batch: LedgerBatch;
  readonly #policies: LimitPolicies | undefined;
  readonly #elsewhere = new Map<string, Elsewhere>();
  readonly #reached = new Map<string, ReachedLimit>();
  /** Whether any policy is in force. Where none is, nothing here is called. */
  readonly isActive: boolean;

  constructor(policies: LimitPolicies | undefined, batch: LedgerBatch) {
    this.#batch = batch;
    this.#policies = policies;
    this.isActive = policies !== undefined;
  }

  /** Takes note of what a user has who has more than one wallet, or pots. */
  note(key: string, elsewhere: Elsewhere): void {
    this.#elsewhere.set(key, elsewhere);
  }

  /**
   * Counts a movement: writes into the new accounts after it, which are not in the batch yet, what they have moved. Refuses LIMIT_EXCEEDED, HOLDING_LIMIT_REACHED,
   * RECEIVER_LIMIT_REACHED, and UNAVAILABLE for a minute where the clock was set back over midnight.
   */
  count(movement: Movement, payer: NewAccount, payee: NewAccount): void {
    const { kind, amount, potOwnerUserId = payer.ownerUserId } = movement;
    const { callerId } = this.#batch;
    const counted = COUNTED[kind];
    const isOwnMoney = potOwnerUserId !== undefined && potOwnerUserId === payee.ownerUserId;
    let paid = this.#usageBefore(payer);
    let received = this.#usageBefore(payee);
    if (counted.out && payer.kind === 'wallet' && !isOwnMoney) {
      const fillsPot = payee.kind === 'sprinkle' || payee.kind === 'payout';
      paid = paid && afterOut(paid, amount, fillsPot);
      this.#checkOut(payer, paid, amount, payer.ownerUserId === callerId);
      if (fillsPot) this.#notePot(payer, payee);
    }
    if (counted.in && payee.kind === 'wallet' && !isOwnMoney) {
      received = received && afterIn(received, amount);
      this.#checkIn(payee, received, amount, payee.ownerUserId === callerId);
    }
    setUsage(payer, paid);
    setUsage(payee, received);
  }

  /** The limits that refused something. That stays true of a call that is undone, so no refusal takes it back. */
  reached(): ReachedLimit[] {
    return [...this.#reached.values()];
  }

  /** What has to be read for a wallet, besides its row: what it has moved, and what else its owner has. */
  needs(wallet: Account): { readonly count: boolean; readonly elsewhere: boolean } {
    const owner = this.#ownerOf(wallet);
    const limits = this.#limitsOf(owner, wallet);
    const [goesByMoved, goesByHeld] = [hasPeriods(limits), limits.held !== undefined];
    // A check may be about any currency of the user.
    const { at, isCheck } = this.#batch;
    const mayHavePots = (goesByHeld || isCheck) && wallet.usage?.hasPots !== false;
    return {
      count: goesByMoved && this.#known(wallet, Math.max(at, wallet.updatedAt)) === undefined,
      elsewhere: mayHavePots || (owner.hasMore && (goesByMoved || goesByHeld || isCheck)),
    };
  }

  /** The users whose limits go by what they have moved, among the owners of these wallets. */
  countedOwners(wallets: readonly Account[]): bigint[] {
    const { isCheck } = this.#batch;
    const counted = wallets.filter((wallet) => {
      const owner = this.#ownerOf(wallet);
      const currencies = isCheck ? CURRENCIES : [wallet.currency];
      return currencies.some((currency) => hasPeriods(this.#limitsOf(owner, { currency })));
    });
    return [...new Set(counted.flatMap(({ ownerUserId }) => ownerUserId ?? []))];
  }

  /** How a user stands against its limits in a currency; the batch must have loaded its default wallet. */
  standingsOf(userId: bigint, currency: Currency): Standing[] {
    const home = this.#batch.accounts.defaultOf(userId);
    if (!this.#policies || !home) return [];
    const { calendar } = this.#policies;
    const noted = this.#elsewhere.get(ownerKey(userId, currency));
    const elsewhere = noted ?? { ...NOTHING_ELSE, walletIds: home.currency === currency ? [home.id] : [] };
    const wallets = elsewhere.walletIds.map((id) => this.#batch.accounts.get(id));
    const moment = Math.max(this.#batch.at, ...wallets.map(({ updatedAt }) => updatedAt));
    const limits = this.#policies.limitsOf(this.#ownerOf(home), currency, this.#batch.at);
    const counted = hasPeriods(limits) ? [...wallets, ...elsewhere.wallets] : [];
    const moved = counted
      .map((wallet) => this.#mustKnow(wallet, moment))
      .reduce<Moved>(together, NOTHING_MOVED);
    return standings(limits, this.#sum(elsewhere), moved, calendar, moment);
  }

  /** What the wallets have moved that the batch changed and counted, by their ids. */
  usages(): Map<string, Usage> {
    const usages = new Map<string, Usage>();
    for (const { id, usage } of this.#batch.accounts.changed()) if (usage) usages.set(id, usage);
    return usages;
  }

  /** What a wallet had moved before a movement, which is not posted yet; undefined for other accounts, and where it is not known. */
  #usageBefore({ id, kind, usage, updatedAt }: Account): Usage | undefined {
    if (kind !== 'wallet' || !usage) return undefined;
    // Nearly always it is of this day and month, and this is all there is to do.
    if (isOf(usage, updatedAt, this.#mustHavePolicies().calendar)) return usage;
    return this.#known(this.#batch.accounts.get(id), updatedAt);
  }

  #known(wallet: CountedWallet, moment: Micros): Usage | undefined {
    return usageAt(wallet, moment, this.#mustHavePolicies().calendar);
  }

  #mustKnow(wallet: CountedWallet, moment: Micros): Usage {
    const usage = this.#known(wallet, moment);
    if (!usage) throw new Refusal('UNAVAILABLE', { retryAfterMs: TRY_AGAIN_MS });
    return usage;
  }

  /** `wallet` and `usage` are those after the amount has gone out, as all that is checked here. */
  #checkOut(wallet: Account, usage: Usage | undefined, amount: bigint, isOwn: boolean): void {
    const owner = this.#ownerOf(wallet);
    const limits = this.#limitsOf(owner, wallet);
    this.#check(limits, 'call', amount, amount, isOwn, wallet);
    if (!hasPeriods(limits)) return;
    const moved = this.#movedBy(owner, wallet, usage);
    this.#check(limits, 'day_out', moved.dayOut, amount, isOwn, wallet);
    this.#check(limits, 'month_out', moved.monthOut, amount, isOwn, wallet);
    this.#check(limits, 'day_count', moved.dayCount, 1n, isOwn, wallet);
  }

  #checkIn(wallet: Account, usage: Usage | undefined, amount: bigint, isOwn: boolean): void {
    const owner = this.#ownerOf(wallet);
    const limits = this.#limitsOf(owner, wallet);
    // Nobody chooses how much others send.
    if (isOwn) this.#check(limits, 'call', amount, amount, isOwn, wallet);
    if (limits.held !== undefined)
      this.#check(limits, 'held', this.#heldBy(owner, wallet, usage, amount), amount, isOwn, wallet);
    if (!hasPeriods(limits)) return;
    const moved = this.#movedBy(owner, wallet, usage);
    this.#check(limits, 'day_in', moved.dayIn, amount, isOwn, wallet);
    this.#check(limits, 'month_in', moved.monthIn, amount, isOwn, wallet);
  }

  /** Refuses what comes to a `total` above a limit, of which `more` is this movement's. */
  #check(
    limits: LimitsByKind,
    kind: LimitKind,
    total: bigint,
    more: bigint,
    isOwn: boolean,
    wallet: Account,
  ): void {
    const limit = limits[kind];
    // A check moves nothing and costs little: by the limits of others it would tell what they hold.
    if (limit === undefined || total <= limit || (!isOwn && this.#batch.isCheck)) return;
    const used = total - more;
    // An amount that is too large for one call uses nothing up.
    if (kind !== 'call') this.#noteReached(wallet, kind, limit);
    throw limitRefusal({ kind, limit, used }, isOwn, this.#mustHavePolicies().calendar, wallet.updatedAt);
  }

  #noteReached(
    { ownerUserId: userId = 0n, currency, updatedAt }: Account,
    kind: LimitKind,
    limit: bigint,
  ): void {
    const { calendar } = this.#mustHavePolicies();
    const period = { day: calendar.day(updatedAt).start, resetsAt: resetsAt(kind, calendar, updatedAt) };
    this.#reached.set(`${ownerKey(userId, currency)}/${kind}`, { userId, currency, kind, limit, ...period });
  }

  #limitsOf(owner: WalletOwner, { currency }: Pick<Account, 'currency'>): LimitsByKind {
    return this.#mustHavePolicies().limitsOf(owner, currency, this.#batch.at);
  }

  /** What the user has moved with all wallets of this currency. */
  #movedBy(owner: WalletOwner, wallet: Account, usage: Usage | undefined): Moved {
    if (!usage) throw new Refusal('UNAVAILABLE', { retryAfterMs: TRY_AGAIN_MS });
    if (isOnly(owner, wallet)) return usage;
    let moved: Moved = usage;
    for (const other of [...this.#othersOf(wallet), ...this.#elsewhereOf(wallet).wallets]) {
      moved = together(moved, this.#mustKnow(other, wallet.updatedAt));
    }
    return moved;
  }

  /** What the user holds in this currency after this much has come into `wallet`: in wallets, holds and pots. */
  #heldBy(owner: WalletOwner, wallet: Account, usage: Usage | undefined, amount: bigint): bigint {
    const isAll = isOnly(owner, wallet) && usage?.hasPots === false;
    return isAll ? wallet.balance + wallet.heldAmount : this.#sum(this.#elsewhereOf(wallet)) + amount;
  }

  #sum({ held, walletIds, potIds }: Elsewhere): bigint {
    const { accounts } = this.#batch;
    // The pot of a call that was refused is gone.
    const ids = [...walletIds, ...potIds.filter((id) => accounts.has(id))];
    return ids.reduce((sum, id) => sum + accounts.get(id).balance + accounts.get(id).heldAmount, held);
  }

  #elsewhereOf({ id, ownerUserId = 0n, currency }: Account): Elsewhere {
    return this.#elsewhere.get(ownerKey(ownerUserId, currency)) ?? { ...NOTHING_ELSE, walletIds: [id] };
  }

  /** The user's other wallets of this currency that the batch has locked. */
  #othersOf(wallet: Account): Account[] {
    const { walletIds } = this.#elsewhereOf(wallet);
    return walletIds.filter((id) => id !== wallet.id).map((id) => this.#batch.accounts.get(id));
  }

  #notePot(payer: Account, pot: Account): void {
    if (payer.ownerUserId === undefined) return;
    const elsewhere = this.#elsewhereOf(payer);
    if (elsewhere.potIds.includes(pot.id)) return;
    this.note(ownerKey(payer.ownerUserId, payer.currency), {
      ...elsewhere,
      potIds: [...elsewhere.potIds, pot.id],
      hasPots: true,
    });
  }

  #ownerOf({ owner, ownerUserId }: Account): WalletOwner {
    if (owner) return owner;
    // Another wallet may have become the default one in this batch: then the one that was has it.
    const { accounts } = this.#batch;
    const home = ownerUserId === undefined ? undefined : accounts.defaultOf(ownerUserId);
    const known =
      home?.owner ?? accounts.loaded.find((one) => one.owner && one.ownerUserId === ownerUserId)?.owner;
    if (!known)
      throw new InvariantError(`the batch has not locked the default wallet of user ${ownerUserId}`);
    return known;
  }

  #mustHavePolicies(): LimitPolicies {
    if (!this.#policies) throw new InvariantError('no policy is in force');
    return this.#policies;
  }
}

/** Whether a wallet is the only one of its user. */
function isOnly(owner: WalletOwner, { isDefault }: Account): boolean {
  return isDefault && !owner.hasMore;
}

/** Whether any of the limits goes by what was moved on a day or in a month. */
function hasPeriods({ day_out, day_in, month_out, month_in, day_count }: LimitsByKind): boolean {
  return (day_out ?? day_in ?? month_out ?? month_in ?? day_count) !== undefined;
}

/** Sets what an account has moved; nothing where that is not known, so that nothing old is written. */
function setUsage(account: NewAccount, usage: Usage | undefined): void {
  if (usage) account.usage = usage;
  else if (account.usage) delete account.usage;
}
