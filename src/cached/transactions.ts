// The first page of a wallet's history, from Redis where a copy is right.
import { listTransfersAnywhere, type TransferPlaces } from '../db/archive/reads.ts';
import type { Account } from '../domain/account.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { Cache } from '../redis/index.ts';
import { jsonKind } from './json.ts';

/** How many transfers a copy holds: more than a first page asks for by default, to know whether another one follows. */
export const FIRST_TRANSFERS = 21;

/** The newest transfers of a wallet in one of its versions. A new transfer makes a new version, so nothing goes stale. */
const FIRST_PAGE = jsonKind<readonly PostedTransfer[]>('transactions2');

/** Reads a wallet's newest transfers; FIRST_TRANSFERS of them, or all where there are fewer. */
export function cachedNewestTransfers(
  cache: Cache,
  places: TransferPlaces,
): (wallet: Account) => Promise<readonly PostedTransfer[]> {
  const everything = { kinds: undefined, from: undefined, before: undefined };
  return async ({ id, version }) => {
    const load = async () =>
      (await listTransfersAnywhere(places, id, everything, undefined, FIRST_TRANSFERS)).items;
    return (await cache.read(FIRST_PAGE, `${id}:${version}`, load)) ?? [];
  };
}
