// The list of facets, in the order in which a batch reads and writes them. A new facet is a line here.
import type { FacetName, LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import type { Facet } from '../facet.ts';
import { accounts } from './accounts.ts';
import { annotations } from './annotations.ts';
import { answers } from './answers.ts';
import { holds } from './holds.ts';
import { jobs } from './jobs.ts';
import { limits } from './limits.ts';
import { payouts } from './payouts.ts';
import { quotas } from './quotas.ts';
import { refunds } from './refunds.ts';
import { rooms } from './rooms.ts';
import { sprinkles } from './sprinkles.ts';
import { transfers } from './transfers.ts';
import { walletChanges } from './wallet-changes.ts';

/** Accounts come first: nothing else is read before their locks are held, the clock least of all. */
export const FACETS = {
  accounts,
  limits,
  transfers,
  answers,
  sprinkles,
  holds,
  refunds,
  rooms,
  jobs,
  payouts,
  quotas,
  annotations,
  walletChanges,
} satisfies { readonly [Name in FacetName]: Facet<LedgerBatch[Name]> };

/** What batches write, in this order. */
export const STATEMENTS = Object.values<Facet<unknown>>(FACETS).flatMap(({ statements }) => statements);
