// The accounts of a batch: found by what callers name, opened, and changed by transfers.
import type { Account } from '../account.ts';
import { checkName } from '../bounds.ts';
import type { Currency } from '../currency.ts';
import { InvariantError } from '../error-fields.ts';
import type { WalletRef } from '../intent.ts';
import { refuseField } from '../refusal.ts';
import { inheritedBy } from '../restriction.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface LedgerBatch {
    readonly accounts: Accounts;
  }
}

/** The accounts that a batch has locked or opened. */
export class Accounts {
  readonly #batch: BatchContext;
  readonly #loaded: Account[];
  readonly #byId = new Map<string, Account>();
  readonly #defaultWallets = new Map<bigint, string>();
  readonly #externals = new Map<Currency, string>();
  readonly #openedIds: string[] = [];

  constructor(loaded: readonly Account[], batch: BatchContext) {
    this.#batch = batch;
    this.#loaded = [...loaded];
    for (const account of loaded) {
      this.#byId.set(account.id, account);
      if (account.kind === 'external') this.#externals.set(account.currency, account.id);
      if (account.isDefault && account.ownerUserId !== undefined) {
        this.#defaultWallets.set(account.ownerUserId, account.id);
      }
    }
  }

  /** The wallet that a caller named. Refuses WALLET_NOT_FOUND and USER_NOT_FOUND, naming the caller's field. */
  wallet(ref: WalletRef): Account {
    if ('defaultOf' in ref) {
      const id = this.#defaultWallets.get(ref.defaultOf);
      if (id === undefined) throw refuseField('USER_NOT_FOUND', ref.field);
      return this.get(id);
    }
    const account = this.#byId.get(ref.walletId);
    if (account?.kind !== 'wallet') throw refuseField('WALLET_NOT_FOUND', ref.field);
    return account;
  }

  /** The wallet that a caller named, which must belong to this user; otherwise it is refused like one that doesn't exist. */
  ownWallet(ref: WalletRef, userId: bigint): Account {
    const wallet = this.wallet(ref);
    if (wallet.ownerUserId !== userId) throw refuseField('WALLET_NOT_FOUND', ref.field);
    return wallet;
  }

  /** The external account that money of a currency comes from and goes to. */
  external(currency: Currency): Account {
    const id = this.#externals.get(currency);
    if (id === undefined)
      throw new InvariantError(`the batch has not loaded an external account in ${currency}`);
    return this.get(id);
  }

  /** The default wallet of a user; undefined if the batch has not loaded it. */
  defaultOf(userId: bigint): Account | undefined {
    const id = this.#defaultWallets.get(userId);
    return id === undefined ? undefined : this.get(id);
  }

  /** An account that the batch has loaded or opened. */
  get(id: string): Account {
    const account = this.#byId.get(id);
    if (!account) throw new InvariantError(`the batch has not loaded account ${id}`);
    return account;
  }

  /** Whether the batch has loaded or opened an account. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Whether wallets of a user are loaded, but not its default wallet. */
  hasLostDefault(userId: bigint): boolean {
    return (
      !this.#defaultWallets.has(userId) && this.#loaded.some(({ ownerUserId }) => ownerUserId === userId)
    );
  }

  /** Makes a wallet the one that its user's name means, for the calls that are decided after this one. */
  setDefault({ id, ownerUserId }: Account): void {
    if (ownerUserId === undefined) throw new InvariantError(`account ${id} is no wallet`);
    this.#batch.undo.set(this.#defaultWallets, ownerUserId, id);
  }

  /** Adds an account with balance 0. A wallet takes over the freezes of its user from the default wallet, which must be loaded. */
  open(account: Pick<Account, 'kind' | 'currency' | 'ownerUserId' | 'displayName'>): Account {
    if (account.kind === 'wallet') checkName(account.displayName);
    const { at, random, undo } = this.#batch;
    const opened: Account = {
      ...account,
      id: random.uuid(),
      isDefault: false,
      balance: 0n,
      overdraftLimit: 0n,
      heldAmount: 0n,
      restriction: this.#restrictionOfUser(account.ownerUserId),
      version: 0,
      createdAt: at,
      updatedAt: at,
    };
    undo.set(this.#byId, opened.id, opened);
    undo.append(this.#openedIds, opened.id);
    return opened;
  }

  #restrictionOfUser(userId: bigint | undefined) {
    if (userId === undefined) return undefined;
    const id = this.#defaultWallets.get(userId);
    if (id === undefined)
      throw new InvariantError(`the batch has not loaded the default wallet of user ${userId}`);
    return inheritedBy(this.get(id).restriction);
  }

  /** Puts an account's new state in place of the old one. Who does this undoes it. */
  replace(account: Account): void {
    this.#byId.set(account.id, account);
  }

  /** Puts what was read later in the place of what was loaded, before any call is decided. */
  complete(account: Account): void {
    const index = this.#loaded.findIndex(({ id }) => id === account.id);
    this.#loaded[index] = account;
    this.#byId.set(account.id, account);
  }

  /** The accounts as they were loaded. */
  get loaded(): readonly Account[] {
    return this.#loaded;
  }

  /** The accounts that the batch opened, as they are now. */
  opened(): Account[] {
    return this.#openedIds.map((id) => this.get(id));
  }

  /** The loaded accounts that the batch did not change. */
  unchanged(): Account[] {
    return this.#loaded.filter((before) => this.get(before.id) === before);
  }

  /** The loaded accounts that the batch changed, as they are now. */
  changed(): Account[] {
    return this.#loaded
      .map((before) => this.get(before.id))
      .filter((account, index) => account !== this.#loaded[index]);
  }
}
