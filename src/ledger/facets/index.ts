// The list of facets, in the order in which a batch reads and writes them. A new facet is a line here.
import type { FacetName, LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import type { Facet } from '../facet.ts';
import { AccountsFacet } from './accounts.ts';
import { AnnotationsFacet } from './annotations.ts';
import { AnswersFacet } from './answers.ts';
import { HoldsFacet } from './holds.ts';
import { JobsFacet } from './jobs.ts';
import { LimitsFacet } from './limits.ts';
import { PayoutsFacet } from './payouts.ts';
import { QuotasFacet } from './quotas.ts';
import { RefundsFacet } from './refunds.ts';
import { RoomsFacet } from './rooms.ts';
import { SprinklesFacet } from './sprinkles.ts';
import { TransfersFacet } from './transfers.ts';
import { WalletChangesFacet } from './wallet-changes.ts';

/** Accounts come first: nothing else is read before their locks are held, the clock least of all. */
export const FACETS = {
  accounts: AccountsFacet,
  limits: LimitsFacet,
  transfers: TransfersFacet,
  answers: AnswersFacet,
  sprinkles: SprinklesFacet,
  holds: HoldsFacet,
  refunds: RefundsFacet,
  rooms: RoomsFacet,
  jobs: JobsFacet,
  payouts: PayoutsFacet,
  quotas: QuotasFacet,
  annotations: AnnotationsFacet,
  walletChanges: WalletChangesFacet,
} satisfies { readonly [Name in FacetName]: new () => Facet<LedgerBatch[Name]> };
