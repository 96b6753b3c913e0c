// The month before this one, for tests that date transfers back: in the first days of a month some of them fall into it.
import type pg from 'pg';
import { given } from '../stack.ts';
import { monthsAgo } from '../worker/archive-database.ts';

/** Makes the partition of the last month's transfers, as the owner of the database had made it then. */
export async function openLastMonth(db: Pick<pg.Pool, 'query'>): Promise<void> {
  const [from, to] = [monthsAgo(1), monthsAgo(0)].map((at) => at.toISOString());
  const name = `transfers_${from?.slice(0, 7).replace('-', '_')}`;
  await db.query(`CREATE TABLE ${name} PARTITION OF transfers FOR VALUES FROM ('${from}') TO ('${to}');
    ALTER TABLE ${name} OWNER TO ${given('TEST_PLAIN_OWNER')}`);
}
