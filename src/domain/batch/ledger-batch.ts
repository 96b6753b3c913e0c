// A unit of work: what one batch of calls knows of the ledger and changes in it, in memory.
//
// It consists of facets: accounts, transfers, answers, sprinkles and so on, one file each beside this one. A facet adds
// itself to LedgerBatch, and what it reads to ReadSet, by declaration merging; src/ledger/facets/ has its SQL. So a new
// facet changes no existing file but the list of facets.
import type { Currency } from '../currency.ts';
import { NO_SEEDS, type SprinkleSeeds } from '../fair-draw.ts';
import type { WalletRef } from '../intent.ts';
import type { KnownPolicies, LimitPolicies } from '../limit-policy.ts';
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
  /** The user whose call is being decided; SYSTEM_USER_ID for the system's own calls. */
  callerId: bigint | undefined;
  readonly random: Random;
  readonly seeds: SprinkleSeeds;
  readonly undo = new UndoLog();
  /** What its process knows of policies. */
  readonly known: KnownPolicies;
  /** The policies that its process knew when the batch began; it runs again if others are in force. */
  readonly policies: LimitPolicies | undefined;
  /** The id of the policies in force, read by the batch itself; undefined where there are none. */
  policiesId: string | undefined;

  /** Whether it only finds out what would be decided: it locks nothing and writes nothing. */
  readonly isCheck: boolean;

  constructor(
    random: Random,
    known: KnownPolicies = { current: undefined },
    { isCheck = false, seeds = NO_SEEDS } = {},
  ) {
    this.random = random;
    this.seeds = seeds;
    this.isCheck = isCheck;
    this.known = known;
    this.policies = known.current;
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
