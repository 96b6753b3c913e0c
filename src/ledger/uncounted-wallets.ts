// Wallets with more transfers than may be counted while they are locked. They are counted here in steps that hold no locks, and calls
// that need them are deferred meanwhile.
import { countAhead, type UncountedWallet } from '../db/limits/index.ts';
import { LOCK_NOT_AVAILABLE, type Pool, QUERY_CANCELED, sqlState } from '../db/pool.ts';
import type { UncountedError } from './facet.ts';

/** How many transfers on either side of a wallet a step counts: some 50 ms of work. */
const STEP = 20_000;
/** Where a step takes longer than statements may, it is halved, down to this. */
const LEAST_STEP = 100;

/** The wallets that a ledger counts, one after the other. */
export class UncountedWallets {
  readonly #pool: Pool;
  readonly #onFailure: (walletId: string, error: unknown) => void;
  readonly #names = new Map<string, ReadonlySet<string>>();
  readonly #stop = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(pool: Pool, onFailure: (walletId: string, error: unknown) => void) {
    this.#pool = pool;
    this.#onFailure = onFailure;
  }

  /** Counts these wallets, unless that is under way. */
  count({ wallets, names }: UncountedError): void {
    for (const wallet of wallets) {
      const known = this.#names.get(wallet.id);
      this.#names.set(wallet.id, known?.union(names) ?? names);
      if (known) continue;
      // The calls run again, and are refused in the end where it still is not counted.
      this.#last = this.#last
        .then(() => countWallet(this.#pool, wallet, this.#stop.signal))
        .catch((error: unknown) => this.#onFailure(wallet.id, error))
        .finally(() => this.#names.delete(wallet.id));
    }
  }

  /** The names of the rows, as rowNames() writes them, whose calls have to wait. */
  names(): string[] {
    return [...this.#names.values()].flatMap((names) => [...names]);
  }

  /** Ends what is under way after its step. */
  stop(): void {
    this.#stop.abort();
  }
}

/**
 * Counts a wallet until a batch can do the rest, or until the signal. Throws what Postgres says, other than that a step took too
 * long or that somebody held the wallet's lock.
 */
export async function countWallet(pool: Pool, wallet: UncountedWallet, signal: AbortSignal): Promise<void> {
  let most = STEP;
  while (!signal.aborted) {
    try {
      if (await countAhead(pool, wallet, most)) return;
    } catch (error) {
      const isTooLong = sqlState(error) === QUERY_CANCELED && most > LEAST_STEP;
      if (isTooLong) most = Math.max(LEAST_STEP, Math.floor(most / 2));
      else if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
    }
  }
}
