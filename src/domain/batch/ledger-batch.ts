// A unit of work: what one batch of calls knows of the ledger and changes in it, in memory.
//
// It consists of facets: accounts, transfers, answers, sprinkles and so on, one file each beside this one. A facet adds
// itself to LedgerBatch, and what it reads to ReadSet, by declaration merging; src/ledger/facets/ has its SQL. So a new
// facet changes no existing file but the list of facets.
import type { Currency } from '../currency.ts';
import type { WalletRef } from '../intent.ts';
import type { Random } from '../random.ts';
import type { Micros } from '../time.ts';
import { UndoLog } from './undo-log.ts';

/** What all facets of a batch share. */
export class BatchContext {
  /** The database's clock once the locks were held: it alone decides what is due, over or too late. */
  at: Micros = Number.NaN;
  /** When that reading of the clock arrived here, by performance.now(). */
  clockReadAt = Number.NaN;
  /** The API key that signed the call being decided; undefined for the system's own calls. */
  keyId: string | undefined;
  readonly random: Random;
  readonly undo = new UndoLog();

  constructor(random: Random) {
    this.random = random;
  }

  /** Runs one decision; a refusal leaves the batch as it was before. */
  attempt<T>(decide: () => T): T {
    return this.undo.attempt(decide);
  }
}

/** A batch with its facets. Its calls are decided one after the other; nothing outside shares it. */
export interface LedgerBatch extends BatchContext {}

/** The names of the facets. */
export type FacetName = Exclude<keyof LedgerBatch, keyof BatchContext>;

/** What a command reads. All of it is loaded, and its accounts are locked, before the command decides. */
export interface ReadSet {
  readonly wallets?: readonly WalletRef[];
  /** Accounts of any kind, by their ids. */
  readonly accountIds?: readonly string[];
  /** The currency of the external account that money comes from or goes to. */
  readonly external?: Currency;
}
