// A verb of money: what it needs to know, and what it decides. The ledger runs many of them in one transaction.
import type { Book } from './book.ts';
import type { Currency } from './currency.ts';
import type { IdempotencyKey, WalletRef } from './intent.ts';
import type { Random } from './random.ts';

/** What a verb has to find in the book: loaded, and as far as it is accounts locked, before it decides. */
export interface Needs {
  readonly wallets?: readonly WalletRef[];
  /** Accounts of any kind, by their ids. */
  readonly accountIds?: readonly string[];
  /** The currency of the outside account that money comes from or goes to. */
  readonly external?: Currency;
  /** The sprinkle that a room's token means, with its pot and what is known about this user's claim. */
  readonly sprinkle?: { readonly roomId: string; readonly token: string; readonly claimerUserId: bigint };
  /** Whether this user is a member of this room. */
  readonly membership?: { readonly roomId: string; readonly userId: bigint };
  /** Tokens to try for a new sprinkle of a room. */
  readonly tokens?: { readonly roomId: string; readonly candidates: readonly string[] };
}

/** One thing that can be done with money. */
export interface Verb<Intent, Outcome> {
  /** What the decision depends on. */
  needs(intent: Intent, random: Random): Needs;
  /** Decides over the book; throws a Refusal, which leaves the book as it was. */
  decide(intent: Intent, book: Book): Outcome;
}

/** Does one verb: the answer arrives once what was decided is on disk. Provided by the ledger. */
export type Perform = <Intent, Outcome>(
  verb: Verb<Intent, Outcome>,
  intent: Intent,
  key: IdempotencyKey,
  requestId: string,
) => Promise<Outcome>;
