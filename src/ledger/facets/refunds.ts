// Refunds: what was refunded of a transfer is read once the account that it went to is locked.
import { type NewRefund, Refunds } from '../../domain/batch/refunds.ts';
import { distinct, type Facet } from '../facet.ts';
import { givenRows, insertInto, reading } from '../given-rows.ts';

const readRefunded = reading<string, { transfer_id: string; refunded_amount: string }>(
  'read-refunded',
  givenRows('asked', { id: ['uuid', (id) => id] }),
  (asked) => `
  SELECT r.transfer_id, r.refunded_amount FROM ${asked},
    LATERAL (SELECT * FROM refunded_transfers r WHERE r.transfer_id = asked.id OFFSET 0) AS r`,
);

/** A trigger adds them up, and holds each against the transfer that moved it (migration 0084). */
const INSERT_REFUNDS = insertInto<NewRefund>('refunds', ({ refunds }) => refunds.created, {
  refund_id: ['uuid', ({ refundId }) => refundId],
  created_at: ['timestamptz', ({ createdAt }) => createdAt],
  transfer_id: ['uuid', ({ transferId }) => transferId],
  transfer_amount: ['bigint', ({ transferAmount }) => transferAmount],
  amount: ['bigint', ({ amount }) => amount],
});

/** Reads how much of the transfers that the calls of a batch refund was refunded before. */
export const refunds: Facet<Refunds> = {
  load: async (client, asked, context) => {
    const ids = distinct(asked, ({ refundsOf }) => refundsOf);
    const rows = await readRefunded(client, ids);
    return new Refunds(new Map(rows.map((row) => [row.transfer_id, BigInt(row.refunded_amount)])), context);
  },
  statements: [INSERT_REFUNDS],
};
