// The list of facets, in the order in which a batch reads and writes them. A new facet is a line here.
import type { FacetName, LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import type { Facet } from '../facet.ts';
import { AccountsFacet } from './accounts.ts';
import { AnswersFacet } from './answers.ts';
import { JobsFacet } from './jobs.ts';
import { PayoutsFacet } from './payouts.ts';
import { QuotasFacet } from './quotas.ts';
import { RoomsFacet } from './rooms.ts';
import { SprinklesFacet } from './sprinkles.ts';
import { TransfersFacet } from './transfers.ts';

/** Accounts come first: nothing else is read before their locks are held, the clock least of all. */
export const FACETS = {
  accounts: AccountsFacet,
  transfers: TransfersFacet,
  answers: AnswersFacet,
  sprinkles: SprinklesFacet,
  rooms: RoomsFacet,
  jobs: JobsFacet,
  payouts: PayoutsFacet,
  quotas: QuotasFacet,
} satisfies { readonly [Name in FacetName]: new () => Facet<LedgerBatch[Name]> };
