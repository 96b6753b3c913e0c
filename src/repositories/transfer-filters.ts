// Which index serves a filter of a wallet's transfers. None of them reads more than a bounded number of rows.
import {
  findTransferAnywhere,
  findTransfersAnywhere,
  listTransfersAnywhere,
  searchTransfersAnywhere,
  type TransferPlaces,
} from '../db/archive/index.ts';
import type { Reader } from '../db/pool.ts';
import {
  findCounterparties,
  findLabeled,
  findSubject,
  type Search,
  type TransferPlace,
} from '../db/reads/index.ts';
import type { Account } from '../domain/account.ts';
import type { Label } from '../domain/annotation.ts';
import type { Page } from '../domain/page.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import { isSorting, matches, type TransferFilter } from '../domain/transfer-filter.ts';

/** By the index that finds the fewest transfers; what that one does not know of is filtered out of a bounded number of them. */
export async function listFiltered(
  places: TransferPlaces,
  wallet: Account,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  if (filter.reference !== undefined) return withReference(places, wallet, filter.reference, filter);
  if (filter.label) return withLabel(places, wallet, filter.label, filter, after, size);
  if (!isSorting(filter)) return listTransfersAnywhere(places, wallet, filter, after, size);
  const search = await searchOf(places.reads, wallet, filter);
  return search ? searchTransfersAnywhere(places, search, filter, after, size) : NONE;
}

const NONE = { items: [], next: undefined };

/** The one transfer with a reference of the wallet's user. */
async function withReference(
  places: TransferPlaces,
  { id, ownerUserId = 0n }: Account,
  reference: string,
  filter: TransferFilter,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const found = await findSubject(places.reads, ownerUserId, 'transfer', reference);
  const posted = found === undefined ? undefined : await findTransferAnywhere(places, found);
  return posted && matches(filter, id, posted) ? { items: [posted], next: undefined } : NONE;
}

/** How many transfers with a label a page reads at most, where others of its filters may leave some out. */
const LABELED = 200;

/** Those with a label, which has an index of its own. */
async function withLabel(
  places: TransferPlaces,
  { id }: Account,
  label: Label,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const count = isSorting(filter) ? LABELED : size + 1;
  const labeled = await findLabeled(places.reads, id, label, filter, after, count);
  const found = await findTransfersAnywhere(
    places,
    labeled.map((place) => place.id),
  );
  const matching = labeled.filter((place) => {
    const posted = found.get(place.id);
    return posted && matches(filter, id, posted);
  });
  const shown = matching.slice(0, size);
  const last = matching.length > size ? shown.at(-1) : labeled[count - 1];
  return { items: shown.flatMap((place) => found.get(place.id) ?? []), next: last };
}

/**
 * What to search: the wallet's history, or that of the counterparty where it is the shorter one. Undefined where the filter
 * names a counterparty that does not exist.
 */
async function searchOf(
  db: Reader,
  { id, version }: Account,
  filter: TransferFilter,
): Promise<Search | undefined> {
  const counterparties = await findCounterparties(db, filter);
  if (!counterparties) return { accountId: id, others: undefined };
  const [only, ...more] = counterparties;
  if (!only) return undefined;
  return more.length === 0 && only.version < version
    ? { accountId: only.id, others: [id] }
    : { accountId: id, others: counterparties.map((other) => other.id) };
}
