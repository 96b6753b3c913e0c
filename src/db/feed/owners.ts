// The users of accounts, which never change: each account is asked for once and kept.
import { LRUCache } from 'lru-cache';
import type { Reader } from '../pool.ts';
import { plainArray } from '../sql.ts';

/** About 20 MB. Those of a batch of transfers, some thousands, are always kept together. */
const MOST_KEPT = 100_000;

/** Users have numbers from 1 on, so 0 says that an account is no wallet. */
const FIND = `
  SELECT string_agg(concat_ws(' ', id, coalesce(owner_user_id, 0)), E'\\n') AS lines FROM accounts WHERE id = ANY ($1::uuid[])`;

/** Knows the users of accounts. */
export class AccountOwners {
  readonly #known = new LRUCache<string, bigint>({ max: MOST_KEPT });

  /** Reads the users of accounts, in one statement. Throws what Postgres does. */
  async load(db: Reader, accountIds: readonly string[]): Promise<void> {
    // Asking for them makes those that are known the newest, so that what is added takes the place of none of them.
    const unknown = new Set(accountIds.filter((id) => this.of(id) === undefined));
    const statement = { name: 'feed-owners', text: FIND, values: [plainArray([...unknown])] };
    const { rows } = await db.query<{ lines: string | null }>(statement);
    for (const line of rows[0]?.lines?.split('\n') ?? []) {
      const [id = '', userId = ''] = line.split(' ');
      this.#known.set(id, BigInt(userId));
    }
  }

  /** The user of an account, 0 where it is no wallet; undefined where it was not read, or does not exist. */
  of(accountId: string): bigint | undefined {
    return this.#known.get(accountId);
  }
}
