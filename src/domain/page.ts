// A page of a list, and the place where the next one starts.

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
