// Watches a payout over the API until it ends.
import type { Json } from '../../clients/typescript/src/grpc.ts';
import type { Client } from './retrying-client.ts';

/** Where a payout stands; amounts are in the smallest unit of its currency. */
export interface Standing {
  readonly id: string;
  /** DRAFT, RUNNING, DONE or CANCELLED. */
  readonly state: string;
  readonly currency: string;
  readonly lineCount: number;
  readonly badLineCount: number;
  readonly paidCount: number;
  readonly failedCount: number;
  readonly totalAmount: bigint;
  readonly paidAmount: bigint;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
}

/** How the payout stands now and whenever it stands differently, up to its end. */
export async function* watch(client: Client, payoutId: string): AsyncGenerator<Standing> {
  const messages = client.stream('wallet.v2.PayoutService/WatchPayout', { payout_id: payoutId });
  for await (const { payout } of messages) yield toStanding(payout as Json);
}

/** How the payout stands now. */
export async function look(client: Client, payoutId: string): Promise<Standing> {
  const { payout } = await client.call('wallet.v2.PayoutService/GetPayout', { payout_id: payoutId });
  return toStanding(payout as Json);
}

function toStanding(payout: Json): Standing {
  const money = (name: string) => payout[name] as { currency_code: string; minor_units: string };
  const moment = (name: string) => (payout[name] ? new Date(String(payout[name])) : undefined);
  return {
    id: String(payout.payout_id),
    state: String(payout.state).replace('PAYOUT_STATE_', ''),
    currency: money('total_amount').currency_code,
    lineCount: Number(payout.line_count),
    badLineCount: Number(payout.bad_line_count),
    paidCount: Number(payout.paid_count),
    failedCount: Number(payout.failed_count),
    totalAmount: BigInt(money('total_amount').minor_units),
    paidAmount: BigInt(money('paid_amount').minor_units),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
  };
}
