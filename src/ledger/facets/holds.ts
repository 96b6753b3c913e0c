// Holds: read once their pots are locked, made, captured and ended.
import type { PoolClient } from 'pg';
import { HOLD_COLUMNS, type HoldRow, toHold } from '../../db/rows.ts';
import { Holds } from '../../domain/batch/holds.ts';
import type { BatchContext, LedgerBatch, ReadSet } from '../../domain/batch/ledger-batch.ts';
import type { Hold } from '../../domain/hold.ts';
import { type Facet, touchingAll } from '../facet.ts';
import { givenRows, insertInto, reading } from '../given-rows.ts';

const readHolds = reading<string, HoldRow>(
  'read-holds',
  givenRows('asked', { id: ['uuid', (id) => id] }),
  (asked) => `
  SELECT ${HOLD_COLUMNS} FROM ${asked}, LATERAL (SELECT * FROM holds h WHERE h.id = asked.id OFFSET 0) AS h`,
);

/** What wallets hold follows from these two by triggers (migration 0081), which also hold each pot against its hold. */
const INSERT_HOLDS = insertInto<Hold>(
  'holds',
  ({ holds }) => holds.created,
  {
    kind: ['text', ({ kind }) => kind],
    id: ['uuid', ({ id }) => id],
    user_id: ['bigint', ({ userId }) => userId],
    wallet_id: ['uuid', ({ walletId }) => walletId],
    pot_account_id: ['uuid', ({ potAccountId }) => potAccountId],
    credit_wallet_id: ['uuid', ({ receiver }) => receiver?.walletId],
    credit_user_id: ['bigint', ({ receiver }) => receiver?.userId],
    currency: ['text', ({ currency }) => currency],
    amount: ['bigint', ({ amount }) => amount],
    reason: ['text', ({ reason }) => reason],
    expires_at: ['timestamptz', ({ expiresAt }) => expiresAt],
  },
  'created_at',
);

const CHANGED = givenRows<Hold>('new', {
  id: ['uuid', ({ id }) => id],
  captured: ['bigint', ({ capturedAmount }) => capturedAmount],
  state: ['text', ({ state }) => state],
  closed_at: ['timestamptz', ({ closedAt }) => closedAt],
});

const UPDATE_HOLDS = touchingAll<Hold>({
  name: 'update-holds',
  text: `
  UPDATE holds h SET captured_amount = new.captured, state = new.state, closed_at = new.closed_at
  FROM ${CHANGED.text}, LATERAL (SELECT i.ctid FROM holds i WHERE i.id = new.id OFFSET 0) AS found
  WHERE h.ctid = found.ctid`,
  rows: ({ holds }) => holds.changed(),
  values: CHANGED.values,
});

const STATEMENTS = [INSERT_HOLDS, UPDATE_HOLDS];

/** Reads the holds that the calls of a batch name; their pots' locks guard them. */
export class HoldsFacet implements Facet<Holds> {
  readonly #ids = new Set<string>();
  readonly statements = STATEMENTS;

  collect({ holdId }: ReadSet): void {
    if (holdId) this.#ids.add(holdId);
  }

  async load(client: PoolClient, context: BatchContext): Promise<Holds> {
    const rows = await readHolds(client, [...this.#ids]);
    // It looks at the accounts only once calls are decided, and by then they are there.
    return new Holds(rows.map(toHold), context as LedgerBatch);
  }
}
