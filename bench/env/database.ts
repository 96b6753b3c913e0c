// The bench's view of the database: what was written, and whether the books balance.
import pg from 'pg';

/** Counters of the database. */
export interface Progress {
  /** Transactions that wrote something: those that only read take no transaction id. */
  readonly transactions: bigint;
  /** The end of the write-ahead log, in bytes. */
  readonly walBytes: bigint;
  /** The size of tables and indexes on disk, in bytes. */
  readonly dataBytes: bigint;
}

/** A connection as the owner of the database. */
export class Database {
  readonly #client: pg.Client;
  readonly ownerUrl: string;

  private constructor(client: pg.Client, ownerUrl: string) {
    this.#client = client;
    this.ownerUrl = ownerUrl;
  }

  static async open(ownerUrl: string): Promise<Database> {
    const client = new pg.Client({ connectionString: ownerUrl });
    client.on('error', () => {});
    await client.connect();
    return new Database(client, ownerUrl);
  }

  async rows<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#client.query<Row>(sql, [...values])).rows;
  }

  /** Runs statements without parameters, one after the other. */
  async run(sql: string): Promise<void> {
    await this.#client.query(sql);
  }

  async progress(): Promise<Progress> {
    const [row] = await this.rows<{ transactions: string; wal: string; data: string }>(
      `SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS transactions,
         (pg_current_wal_insert_lsn() - '0/0')::text AS wal, pg_database_size(current_database())::text AS data`,
    );
    const { transactions = 0, wal = 0, data = 0 } = row ?? {};
    return { transactions: BigInt(transactions), walBytes: BigInt(wal), dataBytes: BigInt(data) };
  }

  /** How many of these idempotency keys have a stored answer. */
  async countKept(keys: readonly string[]): Promise<number> {
    const [row] = await this.rows<{ kept: string }>(
      'SELECT count(*) AS kept FROM unnest($1::text[]) AS key WHERE EXISTS (SELECT FROM idempotency_keys k WHERE k.key = key.key AND k.outcome IS NOT NULL)',
      [keys],
    );
    return Number(row?.kept ?? 0);
  }

  /** The ways in which the books do not balance; also compares each account with the sum of its transfers. */
  async faults(): Promise<string[]> {
    const sums = await this.rows('SELECT currency FROM accounts GROUP BY currency HAVING sum(balance) <> 0');
    const accounts = await this.rows(`
      WITH moved AS (
        SELECT debit_account_id AS id, -amount AS amount FROM transfers
        UNION ALL SELECT credit_account_id, amount FROM transfers)
      SELECT id FROM accounts a FULL JOIN (SELECT id, sum(amount) AS amount FROM moved GROUP BY id) m USING (id)
      WHERE coalesce(a.balance, 0) <> coalesce(m.amount, 0)`);
    return [
      ...sums.map(({ currency }) => `the sum over ${currency} is not 0`),
      ...(accounts.length > 0 ? [`${accounts.length} accounts are not the sum of their transfers`] : []),
    ];
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}
