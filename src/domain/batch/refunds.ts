// The refunds of a batch, and how much of each transfer was refunded before.
import type { Micros } from '../time.ts';
import type { Transfer } from '../transfer.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** A transfer of which something is to be refunded; the account that it went to must be listed, whose lock guards it. */
    readonly refundsOf?: string;
  }
  interface LedgerBatch {
    readonly refunds: Refunds;
  }
}

/** A refund that the batch made. */
export interface NewRefund {
  /** The transfer that moves the money back. */
  readonly refundId: string;
  readonly createdAt: Micros;
  readonly transferId: string;
  /** What the refunded transfer moved. */
  readonly transferAmount: bigint;
  readonly amount: bigint;
}

/** The refunds of one batch. */
export class Refunds {
  readonly #batch: BatchContext;
  readonly #refunded = new Map<string, bigint>();
  readonly created: NewRefund[] = [];

  constructor(loaded: ReadonlyMap<string, bigint>, batch: BatchContext) {
    this.#batch = batch;
    for (const [id, amount] of loaded) this.#refunded.set(id, amount);
  }

  /** How much of a transfer was refunded, in the smallest unit of its currency. */
  refundedOf(transferId: string): bigint {
    return this.#refunded.get(transferId) ?? 0n;
  }

  /** Records that `refund` gave back a part of a transfer. */
  add({ id, amount }: Pick<Transfer, 'id' | 'amount'>, refund: Transfer): void {
    const { undo } = this.#batch;
    undo.set(this.#refunded, id, this.refundedOf(id) + refund.amount);
    undo.append(this.created, {
      refundId: refund.id,
      createdAt: refund.createdAt,
      transferId: id,
      transferAmount: amount,
      amount: refund.amount,
    });
  }
}
