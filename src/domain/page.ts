// Pages of lists: their size, and the place where the next one starts.
import { MAX_PAGE_SIZE } from './bounds.ts';
import { mustBeFromTo } from './localized-text.ts';
import { refuseField } from './refusal.ts';

const DEFAULT_PAGE_SIZE = 20;

/** The number of items per page, as requested or by default. Refuses INVALID_FIELD for more than MAX_PAGE_SIZE. */
export function pageSize(requested: number): number {
  if (!Number.isInteger(requested) || requested < 0 || requested > MAX_PAGE_SIZE) {
    throw refuseField('INVALID_FIELD', 'page_size', mustBeFromTo(0, MAX_PAGE_SIZE));
  }
  return requested === 0 ? DEFAULT_PAGE_SIZE : requested;
}

/** One page: its items, and the place after which the next page starts, if there is one. */
export interface Page<Item, Place> {
  readonly items: readonly Item[];
  readonly next: Place | undefined;
}

/** Makes a page of rows that were read with a limit of size + 1: an extra row means that there is a next page. */
export function pageOf<Item, Place>(
  rows: readonly Item[],
  size: number,
  placeOf: (item: Item) => Place,
): Page<Item, Place> {
  const items = rows.slice(0, size);
  const last = items.at(-1);
  return { items, next: rows.length > size && last !== undefined ? placeOf(last) : undefined };
}
