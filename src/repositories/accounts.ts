// Freezes and states of wallets, for operators: written by the login of admin.v1, in step with the cache.
import { type Cache, cacheCommitted } from '../cache/index.ts';
import { approveAct } from '../db/approvals.ts';
import {
  type BeforeCommit,
  liftFreeze,
  listFreezes,
  readClock,
  reopenWallet,
  setFreeze,
} from '../db/freezes.ts';
import type { Pool } from '../db/pool.ts';
import { findWallets, listWallets } from '../db/reads/index.ts';
import type { Account } from '../domain/account.ts';
import type { ApprovalRequest, PendingAct } from '../domain/act.ts';
import type { FreezeOrder, FreezeTarget, TargetStatus, WalletStatus } from '../domain/freeze.ts';
import { walletStateAt } from '../domain/restriction.ts';
import type { Micros } from '../domain/time.ts';

/** What operators see of wallets and users, and do to them. */
export interface AccountRepository {
  /** The database's clock. */
  clock(): Promise<Micros>;
  /** Undefined where there is no such wallet or user. */
  status(target: FreezeTarget): Promise<TargetStatus | undefined>;
  /** Freezes for a case, in the place of the freeze that it has on this target. Returns false where there is no such target. */
  freeze(target: FreezeTarget, order: FreezeOrder, keyId: string): Promise<boolean>;
  /** What an act waits for; undefined where it may be done now. */
  approve(request: ApprovalRequest): Promise<PendingAct | undefined>;
  /** Opens a closed wallet again; one that is open stays as it is. */
  reopen(walletId: string): Promise<void>;
  /** Lifts the freeze of a case; returns false where there is none. */
  lift(target: FreezeTarget, caseId: string, keyId: string): Promise<boolean>;
}

/** What accounts are read with, and changed. */
export interface AccountSources {
  /** The login of admin.v1, which alone may freeze. */
  readonly admin: Pool;
  readonly primary: Pool;
  readonly cache: Pick<Cache, 'setTombstones' | 'publish'>;
}

/** The wallets of a user that are shown: more than any user has. */
const MAX_WALLETS = 10_000;

export function createAccountRepository({ admin, primary, cache }: AccountSources): AccountRepository {
  const committed = cacheCommitted(cache);
  const beforeCommit: BeforeCommit = (accounts) => committed({ accounts, restated: [], newSprinkles: [] });
  return {
    clock: () => readClock(primary),
    status: async (target) => {
      const now = await readClock(primary);
      const wallets = await walletsOf(primary, target);
      const [first] = wallets;
      if (first?.ownerUserId === undefined) return undefined;
      return {
        wallets: wallets.map((wallet) => statusOf(wallet, now)),
        freezes: await listFreezes(admin, { ...target, userId: first.ownerUserId }),
      };
    },
    freeze: async (target, order, keyId) =>
      (await setFreeze(admin, beforeCommit, target, order, keyId)).length > 0,
    approve: (request) => approveAct(admin, request),
    reopen: async (walletId) => {
      await reopenWallet(admin, beforeCommit, walletId);
    },
    lift: async (target, caseId, keyId) =>
      (await liftFreeze(admin, beforeCommit, target, caseId, keyId)).length > 0,
  };
}

async function walletsOf(primary: Pool, target: FreezeTarget): Promise<readonly Account[]> {
  if ('walletId' in target) return findWallets(primary, [target.walletId]);
  return (await listWallets(primary, target.userId, undefined, MAX_WALLETS)).items;
}

function statusOf({ id, ownerUserId = 0n, restriction }: Account, now: Micros): WalletStatus {
  return { walletId: id, userId: ownerUserId, state: walletStateAt(restriction, now) };
}
