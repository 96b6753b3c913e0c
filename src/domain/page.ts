// A page of a list, how long it may be, and the place where the next one starts.
import { MAX_PAGE_SIZE } from './bounds.ts';
import { mustBeFromTo } from './localized-text.ts';
import { refuseField } from './refusal.ts';

const DEFAULT_PAGE_SIZE = 20;

/** How many items to show, as asked or by default. Refuses INVALID_FIELD for more than a page may hold. */
export function pageSize(asked: number): number {
  if (!Number.isInteger(asked) || asked < 0 || asked > MAX_PAGE_SIZE) {
    throw refuseField('INVALID_FIELD', 'page_size', mustBeFromTo(0, MAX_PAGE_SIZE));
  }
  return asked === 0 ? DEFAULT_PAGE_SIZE : asked;
}

/** One page: what is on it, and the place after which the next one starts, if there is a next one. */
export interface Page<Item, Place> {
  readonly items: readonly Item[];
  readonly next: Place | undefined;
}

/** Cuts one page out of rows that were read with a limit of size + 1: the one too many tells that there is more. */
export function pageOf<Item, Place>(
  rows: readonly Item[],
  size: number,
  placeOf: (item: Item) => Place,
): Page<Item, Place> {
  const items = rows.slice(0, size);
  const last = items.at(-1);
  return { items, next: rows.length > size && last !== undefined ? placeOf(last) : undefined };
}
