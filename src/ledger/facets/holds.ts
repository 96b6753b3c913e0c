// Holds: read once their pots are locked, made, captured and ended.
import type { PoolClient } from 'pg';
import { HOLD_COLUMNS, type HoldRow, toHold } from '../../db/rows.ts';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import { Holds } from '../../domain/batch/holds.ts';
import type { BatchContext, LedgerBatch, ReadSet } from '../../domain/batch/ledger-batch.ts';
import type { Hold } from '../../domain/hold.ts';
import { type Facet, type Statement, touchingAll } from '../facet.ts';

const READ = `
  SELECT ${HOLD_COLUMNS} FROM unnest($1::uuid[]) AS asked (id),
    LATERAL (SELECT * FROM holds h WHERE h.id = asked.id OFFSET 0) AS h`;

/** What wallets hold follows from these two by triggers (migration 0081), which also hold each pot against its hold. */
const INSERT_HOLDS: Statement<Hold> = {
  name: 'insert-holds',
  text: `
  INSERT INTO holds (kind, id, user_id, wallet_id, pot_account_id, credit_wallet_id, credit_user_id, currency, amount, reason,
    expires_at, created_at)
  SELECT new.*, $12 FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[], $6::uuid[], $7::bigint[],
    $8::text[], $9::bigint[], $10::text[], $11::timestamptz[])
    AS new (kind, id, user_id, wallet_id, pot, credit_wallet, credit_user, currency, amount, reason, expires_at)`,
  rows: ({ holds }) => holds.created,
  values: (created, { at }) => [
    plainArray(created.map(({ kind }) => kind)),
    plainArray(created.map(({ id }) => id)),
    plainArray(created.map(({ userId }) => userId)),
    plainArray(created.map(({ walletId }) => walletId)),
    plainArray(created.map(({ potAccountId }) => potAccountId)),
    plainArray(created.map(({ receiver }) => receiver?.walletId ?? 'NULL')),
    plainArray(created.map(({ receiver }) => receiver?.userId ?? 'NULL')),
    plainArray(created.map(({ currency }) => currency)),
    plainArray(created.map(({ amount }) => amount)),
    textArray(created.map(({ reason }) => reason)),
    plainArray(created.map(({ expiresAt }) => timestamptz(expiresAt))),
    timestamptz(at),
  ],
};

const UPDATE_HOLDS = touchingAll<Hold>({
  name: 'update-holds',
  text: `
  UPDATE holds h SET captured_amount = new.captured, state = new.state, closed_at = new.closed_at
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[]) AS new (id, captured, state, closed_at),
    LATERAL (SELECT i.ctid FROM holds i WHERE i.id = new.id OFFSET 0) AS found
  WHERE h.ctid = found.ctid`,
  rows: ({ holds }) => holds.changed(),
  values: (changed) => [
    plainArray(changed.map(({ id }) => id)),
    plainArray(changed.map(({ capturedAmount }) => capturedAmount)),
    plainArray(changed.map(({ state }) => state)),
    plainArray(changed.map(({ closedAt }) => (closedAt === undefined ? 'NULL' : timestamptz(closedAt)))),
  ],
});

const STATEMENTS = [INSERT_HOLDS, UPDATE_HOLDS];

/** Reads the holds that the calls of a batch name; their pots' locks guard them. */
export class HoldsFacet implements Facet<Holds> {
  readonly #ids = new Set<string>();
  readonly statements = STATEMENTS;

  collect({ holdId }: ReadSet): void {
    if (holdId) this.#ids.add(holdId);
  }

  load(client: PoolClient, context: BatchContext): Holds | Promise<Holds> {
    // It looks at the accounts only once calls are decided, and by then they are there.
    const batch = context as LedgerBatch;
    return this.#ids.size === 0 ? new Holds([], batch) : this.#read(client, batch);
  }

  async #read(client: PoolClient, batch: LedgerBatch): Promise<Holds> {
    const values = [plainArray([...this.#ids])];
    const { rows } = await client.query<HoldRow>({ name: 'read-holds', text: READ, values });
    return new Holds(rows.map(toHold), batch);
  }
}
