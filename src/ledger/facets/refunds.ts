// Refunds: what was refunded of a transfer is read once the account that it went to is locked.
import type { PoolClient } from 'pg';
import { plainArray, timestamptz } from '../../db/sql.ts';
import type { BatchContext, ReadSet } from '../../domain/batch/ledger-batch.ts';
import { type NewRefund, Refunds } from '../../domain/batch/refunds.ts';
import type { Facet, Statement } from '../facet.ts';

const READ =
  'SELECT transfer_id, refunded_amount FROM refunded_transfers WHERE transfer_id = ANY ($1::uuid[])';

/** A trigger adds them up, and holds each against the transfer that moved it (migration 0084). */
const INSERT_REFUNDS: Statement<NewRefund> = {
  name: 'insert-refunds',
  text: `
  INSERT INTO refunds (refund_id, created_at, transfer_id, transfer_amount, amount)
  SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bigint[], $5::bigint[])`,
  rows: ({ refunds }) => refunds.created,
  values: (created) => [
    plainArray(created.map(({ refundId }) => refundId)),
    plainArray(created.map(({ createdAt }) => timestamptz(createdAt))),
    plainArray(created.map(({ transferId }) => transferId)),
    plainArray(created.map(({ transferAmount }) => transferAmount)),
    plainArray(created.map(({ amount }) => amount)),
  ],
};

const STATEMENTS = [INSERT_REFUNDS];

/** Reads how much of the transfers that the calls of a batch refund was refunded before. */
export class RefundsFacet implements Facet<Refunds> {
  readonly #ids = new Set<string>();
  readonly statements = STATEMENTS;

  collect({ refundsOf }: ReadSet): void {
    if (refundsOf) this.#ids.add(refundsOf);
  }

  load(client: PoolClient, context: BatchContext): Refunds | Promise<Refunds> {
    return this.#ids.size === 0 ? new Refunds(new Map(), context) : this.#read(client, context);
  }

  async #read(client: PoolClient, context: BatchContext): Promise<Refunds> {
    const values = [plainArray([...this.#ids])];
    const { rows } = await client.query<{ transfer_id: string; refunded_amount: string }>({
      name: 'read-refunded',
      text: READ,
      values,
    });
    return new Refunds(new Map(rows.map((row) => [row.transfer_id, BigInt(row.refunded_amount)])), context);
  }
}
