// Limits: policies that have changed, wallets that have to be counted, and what users have besides one wallet, all read once the
// accounts are locked and only where there is any of it. What wallets have moved is written with the transfers; that a limit refused
// something is told, also where nothing is posted.
import type { PoolClient } from 'pg';
import { countUsages, readElsewhere, readPolicies } from '../../db/limits/index.ts';
import type { Account } from '../../domain/account.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { Limits, NOTHING_ELSE, ownerKey } from '../../domain/batch/limits.ts';
import type { LimitPolicies } from '../../domain/limit-policy.ts';
import type { ReachedLimit } from '../../domain/limit-standing.ts';
import { BatchTooLargeError, type Facet, StaleReadError, type Statement, UncountedError } from '../facet.ts';
import { givenRows } from '../given-rows.ts';

/**
 * How many wallets are counted in one transaction, which holds the locks of all of its accounts meanwhile: counting takes a
 * microsecond for each transfer of the month. One call alone may need more.
 */
const MAX_COUNTED = 32;

const REACHED = givenRows<ReachedLimit>('reached', {
  user_id: ['bigint', ({ userId }) => userId],
  currency: ['text', ({ currency }) => currency],
  kind: ['text', ({ kind }) => kind],
  most: ['numeric', ({ limit }) => limit],
  day: ['bigint', ({ day }) => day],
  resets_at: ['bigint', ({ resetsAt }) => resetsAt],
});

const ANNOUNCE_REACHED: Statement<ReachedLimit> = {
  name: 'announce-reached-limits',
  text: `SELECT announce_reached_limits(${REACHED.parameters})`,
  rows: ({ limits }) => limits.reached(),
  values: REACHED.values,
};

/** Checks that the policies which the batch began with are in force, and completes what its limits go by. */
export const limits: Facet<Limits> = {
  // It looks at the accounts only once calls are decided, and by then they are there.
  load: (_client, _asked, context) => new Limits(context.policies, context as LedgerBatch),

  complete: (client, asked, batch) => {
    if (batch.policiesId !== batch.policies?.id) return refresh(client, batch);
    if (!batch.policies) return undefined;
    const { accounts, limits } = batch;
    let uncounted = 0;
    let isElsewhere = false;
    for (const wallet of accounts.loaded) {
      if (wallet.kind !== 'wallet') continue;
      // Another wallet became the default one between the look-up and the lock.
      if (!wallet.isDefault && !accounts.defaultOf(wallet.ownerUserId ?? 0n)) throw new StaleReadError();
      const { count, elsewhere } = limits.needs(wallet);
      if (count) uncounted += 1;
      isElsewhere ||= elsewhere;
    }
    if (uncounted > MAX_COUNTED && asked.length > 1) throw new BatchTooLargeError();
    return uncounted > 0 || isElsewhere ? complete(client, batch, batch.policies) : undefined;
  },

  statements: [ANNOUNCE_REACHED],
};

/** Reads the policies in force; the batch runs again by these. They can't change before it has ended. */
async function refresh(client: PoolClient, { known }: LedgerBatch): Promise<void> {
  known.current = await readPolicies(client);
  throw new StaleReadError();
}

async function complete(
  client: PoolClient,
  { accounts, at, limits }: LedgerBatch,
  { calendar }: LimitPolicies,
): Promise<void> {
  const wallets = accounts.loaded.filter(({ kind }) => kind === 'wallet');
  const uncounted = wallets.filter((wallet) => limits.needs(wallet).count);
  if (uncounted.length > 0) {
    // A wallet that is dated ahead of the clock has its next transfer no earlier than its last one.
    const moments = uncounted.map(({ id, updatedAt }) => ({ id, moment: Math.max(at, updatedAt) }));
    const counted = await countUsages(client, moments, calendar);
    const owners = ownersOf(counted.uncounted.map(({ id }) => accounts.get(id)));
    if (owners.length > 0) throw new UncountedError(counted.uncounted, namesOf(owners, wallets));
    for (const { id, usage } of counted.usages) accounts.complete({ ...accounts.get(id), usage });
  }
  const more = wallets.map(({ id }) => accounts.get(id)).filter((wallet) => limits.needs(wallet).elsewhere);
  if (more.length === 0) return;
  const owners = { all: ownersOf(more), counted: limits.countedOwners(more) };
  const found = await readElsewhere(client, owners, accounts.loaded, { at, calendar });
  if (found.uncounted.length > 0) {
    const large = found.uncounted.map(({ ownerUserId }) => ownerUserId);
    throw new UncountedError(found.uncounted, namesOf(large, wallets));
  }
  for (const [key, one] of found.elsewhere) limits.note(key, one);
  for (const { usage, ...wallet } of more) {
    const key = ownerKey(wallet.ownerUserId ?? 0n, wallet.currency);
    const { hasPots } = found.elsewhere.get(key) ?? NOTHING_ELSE;
    // Once they are empty, nobody has to look for them any more.
    if (usage?.hasPots && !hasPots) accounts.complete({ ...wallet, usage: { ...usage, hasPots } });
  }
}

const ownersOf = (wallets: readonly Account[]): bigint[] => [
  ...new Set(wallets.flatMap(({ ownerUserId }) => ownerUserId ?? [])),
];

/** What calls name that need wallets of these users, as rowNames() writes it. */
function namesOf(owners: readonly bigint[], wallets: readonly Account[]): Set<string> {
  const those = wallets.filter(({ ownerUserId = 0n }) => owners.includes(ownerUserId));
  return new Set([...owners.map((id) => `default/${id}`), ...those.map(({ id }) => `account/${id}`)]);
}
