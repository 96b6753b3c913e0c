// Calls Postgres directly with the classical kind of transfer: one transaction each.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Target, WorkerTask } from './protocol.ts';
import { nth, type TargetClient } from './target.ts';

/** Each statement is prepared once a connection. */
const BY_FUNCTION = { name: 'transfer', text: 'SELECT classical.transfer($1, $2, $3, 1)' };
const LOCK = {
  name: 'lock',
  text: 'SELECT id, balance FROM classical.accounts WHERE id IN ($1, $2) ORDER BY id FOR UPDATE',
};
const UPDATE = {
  name: 'update',
  text: `UPDATE classical.accounts SET balance = balance + CASE id WHEN $1 THEN -1 ELSE 1 END, version = version + 1
    WHERE id IN ($1, $2)`,
};
const INSERT = {
  name: 'insert',
  text: `WITH made AS (
      INSERT INTO classical.transfers (debit_account_id, credit_account_id, amount) VALUES ($2, $3, 1) RETURNING id)
    INSERT INTO classical.idempotency_keys (key, transfer_id) SELECT $1, id FROM made`,
};

/** Opens the connections. A call waits for a free one. */
export async function createPostgresTarget(
  target: Extract<Target, { kind: 'postgres' }>,
  task: WorkerTask,
): Promise<TargetClient> {
  const clients = Array.from(
    { length: task.connections },
    () => new pg.Client({ connectionString: target.url }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  const free = [...clients];
  const waiting: ((client: pg.Client) => void)[] = [];
  const acquire = async () => free.pop() ?? new Promise<pg.Client>((resolve) => waiting.push(resolve));
  const release = (client: pg.Client) => {
    const next = waiting.shift();
    if (next) next(client);
    else free.push(client);
  };
  const transfer = target.by === 'function' ? byFunction : byHand;
  return {
    prepare: (n) => async () => {
      const [debit, credit] = nth(target.accounts, n);
      const client = await acquire();
      try {
        await transfer(client, debit, credit);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        release(client);
      }
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

async function byFunction(client: pg.Client, debit: number, credit: number): Promise<void> {
  await client.query({ ...BY_FUNCTION, values: [randomUUID(), debit, credit] });
}

async function byHand(client: pg.Client, debit: number, credit: number): Promise<void> {
  await client.query('BEGIN');
  const { rows } = await client.query<{ id: string; balance: string }>({ ...LOCK, values: [debit, credit] });
  const from = rows.find(({ id }) => Number(id) === debit);
  if (rows.length !== 2 || from === undefined || BigInt(from.balance) < 1n)
    throw new Error('balance too low');
  await client.query({ ...UPDATE, values: [debit, credit] });
  await client.query({ ...INSERT, values: [randomUUID(), debit, credit] });
  await client.query('COMMIT');
}
