// A verb of money: what it needs to know, and what it decides. The ledger runs many of them in one transaction.
import type { Book } from './book.ts';
import type { Currency } from './currency.ts';
import type { Random } from './random.ts';

/** A wallet as a caller names it, with the field of the request that named it, for refusals to point at. */
export type WalletRef =
  | { readonly walletId: string; readonly field: string }
  | { readonly defaultOf: bigint; readonly field: string };

/** An amount as a caller names it, with the field of the request that names its currency. */
export interface RequestedMoney {
  readonly currency: Currency;
  readonly amount: bigint;
  readonly field: string;
}

/** What a verb has to find in the book: loaded, and as far as it is accounts locked, before it decides. */
export interface Needs {
  readonly wallets?: readonly WalletRef[];
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

/** The caller's name for one intent. */
export interface IdempotencyKey {
  readonly userId: bigint;
  readonly key: string;
  /** A digest of the RPC and its request, in hexadecimal. */
  readonly fingerprint: string;
}

/** Does one verb: the answer arrives once what was decided is on disk. Provided by the ledger. */
export type Perform = <Intent, Outcome>(
  verb: Verb<Intent, Outcome>,
  intent: Intent,
  key: IdempotencyKey,
  requestId: string,
) => Promise<Outcome>;
