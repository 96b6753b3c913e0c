// Holds: read once their pots are locked, made, captured and ended.
import { HOLD_COLUMNS, type HoldRow, toHold } from '../../db/rows.ts';
import { Holds } from '../../domain/batch/holds.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import type { Hold } from '../../domain/hold.ts';
import { distinct, type Facet } from '../facet.ts';
import { givenRows, insertDated, reading, updateOf } from '../given-rows.ts';

const readHolds = reading<string, HoldRow>(
  'read-holds',
  givenRows('asked', { id: ['uuid', (id) => id] }),
  (asked) => `
  SELECT ${HOLD_COLUMNS} FROM ${asked}, LATERAL (SELECT * FROM holds h WHERE h.id = asked.id OFFSET 0) AS h`,
);

/** What wallets hold follows from these two by triggers (migration 0081), which also hold each pot against its hold. */
const INSERT_HOLDS = insertDated<Hold>('holds', ({ holds }) => holds.created, {
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
});

const UPDATE_HOLDS = updateOf<Hold>(
  'holds',
  ({ holds }) => holds.changed(),
  { id: ['uuid', ({ id }) => id] },
  {
    captured_amount: ['bigint', ({ capturedAmount }) => capturedAmount],
    state: ['text', ({ state }) => state],
    closed_at: ['timestamptz', ({ closedAt }) => closedAt],
  },
);

/** Reads the holds that the calls of a batch name; their pots' locks guard them. */
export const holds: Facet<Holds> = {
  load: async (client, asked, context) => {
    const ids = distinct(asked, ({ holdId }) => holdId);
    const rows = await readHolds(client, ids);
    // It looks at the accounts only once calls are decided, and by then they are there.
    return new Holds(rows.map(toHold), context as LedgerBatch);
  },
  statements: [INSERT_HOLDS, UPDATE_HOLDS],
};
