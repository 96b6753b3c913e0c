// What the product has to answer, in a few lines: balances, and what is set aside, as plain numbers in memory.
import type { Frozen, Line, Moved, Payment, SetAside, Sprinkle, UserLimits } from './things.ts';

/** Thrown where the product has to refuse, with its reason. */
export class Refused extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

const ENDED = {
  hold: { captured: 'HOLD_CAPTURED', voided: 'HOLD_VOIDED', declined: '', expired: 'HOLD_EXPIRED' },
  gift: {
    captured: 'GIFT_ACCEPTED',
    voided: 'GIFT_CANCELLED',
    declined: 'GIFT_DECLINED',
    expired: 'GIFT_EXPIRED',
  },
} as const;

/** How many things of a kind can be picked: the newest. */
const KEPT = 12;

/** The model. Each method changes it, or throws Refused and leaves it as it was. */
export class PlainModel {
  readonly balances: number[];
  readonly setAside: SetAside[] = [];
  readonly payments: Payment[] = [];
  readonly sprinkles: Sprinkle[] = [];
  readonly limits: UserLimits[];
  readonly frozen: Frozen[];
  readonly moved: Moved[];
  /** Each user's payments by the references that the user gave them. */
  readonly references: ReadonlyMap<string, Payment>[];

  /** Everybody begins with a deposit. */
  constructor(users: number, start: number) {
    this.balances = Array.from({ length: users }, () => start);
    this.limits = this.balances.map(() => ({}));
    this.frozen = this.balances.map(() => ({ out: false, in: false }));
    this.moved = this.balances.map(() => ({ out: 0, in: start, count: 0 }));
    this.references = this.balances.map(() => new Map());
  }

  /** What a user's wallet shows as held. */
  heldOf(user: number): number {
    return this.setAside.reduce((sum, { from, left }) => (from === user ? sum + left : sum), 0);
  }

  /** What counts against a user's limit on what it holds: that, and what it has sprinkled and nobody has claimed. */
  holdingOf(user: number): number {
    const sprinkled = this.sprinkles.reduce((sum, { from, left }) => (from === user ? sum + left : sum), 0);
    return this.balanceOf(user) + this.heldOf(user) + sprinkled;
  }

  balanceOf(user: number): number {
    return this.balances[user] ?? 0;
  }

  deposit(user: number, amount: number): void {
    this.mayReceive(user, amount, true);
    this.#receive(user, amount);
  }

  withdraw(user: number, amount: number): void {
    this.#spend(user, amount);
  }

  transfer(from: number, to: number, amount: number, reference = ''): Payment {
    if (from === to) throw new Refused('SELF_TRANSFER');
    this.#mayPay(from);
    this.#mayReach(to, false);
    this.#mayTake(from, amount);
    this.#mayMove(from, amount);
    this.mayReceive(to, amount, false);
    if (this.references[from]?.has(reference)) throw new Refused('REFERENCE_REUSED');
    this.#moveOut(from, amount);
    const payment = this.#pay(from, to, amount, false);
    if (reference !== '') this.references[from] = new Map(this.references[from]).set(reference, payment);
    return payment;
  }

  refund(payment: Payment, by: number, asked: number | undefined): number {
    if (by !== payment.to) {
      const isSeen = by === payment.payer && !payment.isFromPot;
      throw new Refused(isSeen ? 'TRANSFER_NOT_REFUNDABLE' : 'TRANSFER_NOT_FOUND');
    }
    const left = payment.amount - payment.refunded;
    const amount = asked ?? left;
    if (amount === 0 || amount > left) throw new Refused('REFUND_EXCEEDS_TRANSFER');
    this.#mayPay(by);
    this.#mayReach(payment.payer, false);
    this.#take(by, amount);
    this.#add(payment.payer, amount);
    payment.refunded += amount;
    return amount;
  }

  /** An operator takes back what was paid, whatever is frozen. */
  reverse(payment: Payment, asked: number | undefined): number {
    const left = payment.amount - payment.refunded;
    const amount = asked ?? left;
    if (amount === 0 || amount > left) throw new Refused('REFUND_EXCEEDS_TRANSFER');
    this.#take(payment.to, amount);
    this.#add(payment.payer, amount);
    payment.refunded += amount;
    return amount;
  }

  hold(from: number, to: number | undefined, amount: number, kind: SetAside['kind'] = 'hold'): SetAside {
    if (from === to) throw new Refused('SELF_TRANSFER');
    this.#spend(from, amount);
    const made: SetAside = { kind, id: '', from, to, amount, captured: 0, left: amount, state: 'open' };
    this.setAside.push(made);
    return made;
  }

  /** `payee` is named with a capture of a hold that names nobody. */
  capture(hold: SetAside, by: number, payee: number, asked: number | undefined, isFinal: boolean): Payment {
    this.#mustTakePart(hold, by);
    if (hold.to !== undefined && by !== hold.to) throw new Refused('HOLD_HAS_RECEIVER');
    const to = hold.to ?? payee;
    if (to === hold.from) throw new Refused('SELF_TRANSFER');
    mustBeOpen(hold);
    // Nobody was promised the money of a hold that names no receiver.
    if (hold.to === undefined) this.#mayPay(hold.from);
    const amount = asked ?? hold.left;
    if (amount > hold.left) throw new Refused('HOLD_AMOUNT_EXCEEDED');
    this.mayReceive(to, amount, hold.to !== undefined);
    hold.captured += amount;
    hold.left -= amount;
    if (isFinal || hold.left === 0) this.#end(hold, 'captured');
    return this.#pay(hold.from, to, amount, true);
  }

  void(hold: SetAside, by: number): void {
    this.#mustTakePart(hold, by);
    mustBeOpen(hold);
    this.#end(hold, 'voided');
  }

  accept(gift: SetAside, by: number): Payment {
    this.#mustReceive(gift, by);
    mustBeOpen(gift);
    this.mayReceive(by, gift.amount, true);
    gift.left = 0;
    gift.state = 'captured';
    return this.#pay(gift.from, by, gift.amount, true);
  }

  decline(gift: SetAside, by: number): void {
    this.#mustReceive(gift, by);
    mustBeOpen(gift);
    this.#end(gift, 'declined');
  }

  cancel(gift: SetAside, by: number): void {
    this.#mustTakePart(gift, by);
    if (by !== gift.from) throw new Refused('GIFT_FOR_SENDER');
    mustBeOpen(gift);
    this.#end(gift, 'voided');
  }

  /** Lets the time of a hold or gift be over, if it is open. */
  expire(one: SetAside): void {
    if (one.state === 'open') this.#end(one, 'expired');
  }

  sprinkle(from: number, amount: number, headcount: number): Sprinkle {
    if (amount < headcount) throw new Refused('HEADCOUNT_ABOVE_AMOUNT');
    this.#spend(from, amount);
    const made: Sprinkle = {
      ...{ id: '', token: '', from, left: amount, sharesLeft: headcount },
      claimers: new Set(),
      isExpired: false,
      isCancelled: false,
    };
    this.sprinkles.push(made);
    return made;
  }

  mayClaim(sprinkle: Sprinkle, by: number): void {
    if (by === sprinkle.from) throw new Refused('OWN_SPRINKLE');
    if (sprinkle.claimers.has(by)) throw new Refused('ALREADY_CLAIMED');
    mustBeLive(sprinkle);
  }

  cancelSprinkle(sprinkle: Sprinkle, by: number): void {
    if (by !== sprinkle.from) throw new Refused('SPRINKLE_NOT_FOUND');
    mustBeLive(sprinkle);
    sprinkle.isCancelled = true;
    this.#add(sprinkle.from, sprinkle.left);
    sprinkle.left = 0;
  }

  /** Shares are drawn at random: from 1 to what leaves 1 for each of the others, and the last one is all that is left. */
  isShare({ left, sharesLeft }: Sprinkle, share: number): boolean {
    return share >= 1 && (sharesLeft === 1 ? share === left : share <= left - (sharesLeft - 1));
  }

  claim(sprinkle: Sprinkle, by: number, share: number): Payment {
    sprinkle.claimers = new Set([...sprinkle.claimers, by]);
    sprinkle.left -= share;
    sprinkle.sharesLeft -= 1;
    return this.#pay(sprinkle.from, by, share, true);
  }

  expireSprinkle(sprinkle: Sprinkle): void {
    if (sprinkle.isExpired) return;
    sprinkle.isExpired = true;
    this.#add(sprinkle.from, sprinkle.left);
    sprinkle.left = 0;
  }

  /** Pays the lines in their order: all that their receivers can take and, with `each`, that the money reaches for. */
  payOut(from: number, lines: readonly Line[], each: boolean): Payment[] {
    const total = lines.reduce((sum, { amount }) => sum + amount, 0);
    // What is set aside; where that is nothing, nothing is refused.
    const funds = each ? Math.min(total, this.balanceOf(from)) : total;
    if (funds > 0) this.#mayPay(from);
    this.#mayTake(from, funds);
    if (funds > 0) {
      this.#mayMove(from, funds);
      this.#countOut(from, funds);
    }
    const paid: Payment[] = [];
    for (const { to, amount } of lines) {
      const left = this.balanceOf(from);
      if (left < amount || decideReason(() => this.mayReceive(to, amount, false))) continue;
      this.#take(from, amount);
      paid.push(this.#pay(from, to, amount, true));
    }
    return paid;
  }

  /** Whether a user's freezes and limits let money in, that the user asks for or that another one sends. */
  mayReceive(user: number, amount: number, isAskedFor: boolean): void {
    this.#mayReach(user, isAskedFor);
    if (isAskedFor && isAbove(this.limits[user]?.call, amount)) throw new Refused('LIMIT_EXCEEDED');
    const { held, dayIn } = this.limits[user] ?? {};
    if (isAbove(held, this.holdingOf(user) + amount))
      throw new Refused(isAskedFor ? 'HOLDING_LIMIT_REACHED' : 'RECEIVER_LIMIT_REACHED');
    if (isAbove(dayIn, this.movedBy(user).in + amount))
      throw new Refused(isAskedFor ? 'LIMIT_EXCEEDED' : 'RECEIVER_LIMIT_REACHED');
  }

  movedBy(user: number): Moved {
    return this.moved[user] ?? { out: 0, in: 0, count: 0 };
  }

  /** Remembers how everything is; what it returns puts it back. */
  save(): () => void {
    const { balances, setAside, payments, sprinkles, limits, frozen, moved, references } = this;
    const lists: unknown[][] = [balances, setAside, payments, sprinkles, limits, frozen, moved, references];
    const before = lists.map((list) => [...list]);
    // These are changed in place; the others are replaced.
    const things = [...setAside, ...payments, ...sprinkles].map((thing) => ({ thing, was: { ...thing } }));
    return () => {
      for (const [index, list] of lists.entries()) list.splice(0, list.length, ...(before[index] ?? []));
      for (const { thing, was } of things) Object.assign(thing, was);
    };
  }

  /** Lets go of what is over and old, so that what is picked is mostly new. */
  forget(): void {
    const isOld = (index: number, length: number) => index < length - KEPT;
    const ended = this.setAside.filter(
      ({ state }, index, all) => state !== 'open' && isOld(index, all.length),
    );
    for (const one of ended) this.setAside.splice(this.setAside.indexOf(one), 1);
    this.payments.splice(0, Math.max(0, this.payments.length - KEPT));
    const empty = this.sprinkles.filter(({ left }, index, all) => left === 0 && isOld(index, all.length));
    for (const one of empty) this.sprinkles.splice(this.sprinkles.indexOf(one), 1);
  }

  #pay(payer: number, to: number, amount: number, isFromPot: boolean): Payment {
    this.#receive(to, amount);
    const payment = { id: '', payer, to, isFromPot, amount, refunded: 0 };
    this.payments.push(payment);
    return payment;
  }

  #end(one: SetAside, state: SetAside['state']): void {
    this.#add(one.from, one.left);
    one.left = 0;
    one.state = state;
  }

  #mustTakePart({ kind, from, to }: SetAside, by: number): void {
    if (by !== from && by !== to) throw new Refused(kind === 'hold' ? 'HOLD_NOT_FOUND' : 'GIFT_NOT_FOUND');
  }

  #mustReceive(gift: SetAside, by: number): void {
    this.#mustTakePart(gift, by);
    if (by !== gift.to) throw new Refused('GIFT_FOR_RECEIVER');
  }

  #mayPay(user: number): void {
    if (this.frozen[user]?.out) throw new Refused('WALLET_FROZEN');
  }

  #mayReach(user: number, isAskedFor: boolean): void {
    if (this.frozen[user]?.in) throw new Refused(isAskedFor ? 'WALLET_FROZEN' : 'RECEIVER_UNAVAILABLE');
  }

  #mayMove(user: number, amount: number): void {
    const { call, dayOut, dayCount } = this.limits[user] ?? {};
    const { out, count } = this.movedBy(user);
    if (isAbove(call, amount) || isAbove(dayOut, out + amount) || isAbove(dayCount, count + 1))
      throw new Refused('LIMIT_EXCEEDED');
  }

  #mayTake(user: number, amount: number): void {
    if (this.balanceOf(user) < amount) throw new Refused('BALANCE_TOO_LOW');
  }

  #spend(user: number, amount: number): void {
    this.#mayPay(user);
    this.#mayTake(user, amount);
    this.#mayMove(user, amount);
    this.#moveOut(user, amount);
  }

  #moveOut(user: number, amount: number): void {
    this.#take(user, amount);
    this.#countOut(user, amount);
  }

  #countOut(user: number, amount: number): void {
    const { out, in: into, count } = this.movedBy(user);
    this.moved[user] = { out: out + amount, in: into, count: count + 1 };
  }

  #receive(user: number, amount: number): void {
    this.#add(user, amount);
    const moved = this.movedBy(user);
    this.moved[user] = { ...moved, in: moved.in + amount };
  }

  #take(user: number, amount: number): void {
    this.#mayTake(user, amount);
    this.balances[user] = this.balanceOf(user) - amount;
  }

  #add(user: number, amount: number): void {
    this.balances[user] = this.balanceOf(user) + amount;
  }
}

/** The reason for which the model refuses; undefined where it does not. */
export function decideReason(change: () => unknown): string | undefined {
  try {
    change();
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error.reason;
    throw error;
  }
}

function isAbove(limit: number | undefined, value: number): boolean {
  return limit !== undefined && value > limit;
}

function mustBeOpen({ kind, state }: SetAside): void {
  if (state !== 'open') throw new Refused(ENDED[kind][state]);
}

function mustBeLive({ isCancelled, isExpired, sharesLeft }: Sprinkle): void {
  if (isCancelled) throw new Refused('SPRINKLE_CANCELLED');
  if (sharesLeft === 0) throw new Refused('SPRINKLE_EMPTY');
  if (isExpired) throw new Refused('SPRINKLE_EXPIRED');
}
