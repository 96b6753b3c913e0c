// Payouts and their lines as rows.
import { annotationOf, type OwnedAnnotation } from '../../domain/annotation.ts';
import type { Currency } from '../../domain/currency.ts';
import type { Payout, PayoutLine, PayoutMode, PayoutState } from '../../domain/payout.ts';
import type { Reason } from '../../domain/reasons.ts';
import { type AnnotationRow, annotationColumn, toAnnotation } from '../rows.ts';
import { microsOf } from '../sql.ts';

/** The columns that toPayout() reads, of payouts under the alias `p`. */
export const PAYOUT_COLUMNS = `p.id, p.owner_user_id, p.source_account_id, p.pot_account_id, p.currency, p.mode, p.memo,
  p.state, p.line_count, p.bad_count, p.total_amount::text, p.funded_amount, p.paid_amount, p.paid_count, p.failed_count,
  ${microsOf('p.created_at')} AS created_at, ${microsOf('p.started_at')} AS started_at,
  ${microsOf('p.ended_at')} AS ended_at, ${annotationColumn('p.id')}`;

/** A row with PAYOUT_COLUMNS. */
export interface PayoutRow extends AnnotationRow {
  id: string;
  owner_user_id: string;
  source_account_id: string;
  pot_account_id: string;
  currency: Currency;
  mode: PayoutMode;
  memo: string;
  state: PayoutState;
  line_count: number;
  bad_count: number;
  total_amount: string;
  funded_amount: string;
  paid_amount: string;
  paid_count: number;
  failed_count: number;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
}

const moment = (micros: string | null) => (micros === null ? undefined : Number(micros));

export function toPayout(row: PayoutRow): Payout {
  return {
    id: row.id,
    ownerUserId: BigInt(row.owner_user_id),
    sourceAccountId: row.source_account_id,
    potAccountId: row.pot_account_id,
    currency: row.currency,
    mode: row.mode,
    memo: row.memo,
    state: row.state,
    lineCount: row.line_count,
    badCount: row.bad_count,
    totalAmount: BigInt(row.total_amount),
    fundedAmount: BigInt(row.funded_amount),
    paidAmount: BigInt(row.paid_amount),
    paidCount: row.paid_count,
    failedCount: row.failed_count,
    createdAt: Number(row.created_at),
    startedAt: moment(row.started_at),
    endedAt: moment(row.ended_at),
    ...(row.annotation && { annotation: toAnnotation(row) as OwnedAnnotation }),
  };
}

/** The columns that toLine() reads, of payout_lines under the alias `l`. */
export const LINE_COLUMNS = `l.line, l.to_user_id, l.to_wallet_id, l.currency, l.amount, l.key, l.memo,
  l.credit_account_id, l.reason, l.reference, l.labels`;

/** A row with LINE_COLUMNS. */
export interface LineRow {
  line: number;
  to_user_id: string | null;
  to_wallet_id: string | null;
  currency: string;
  amount: string;
  key: string;
  memo: string;
  credit_account_id: string | null;
  reason: Reason | null;
  reference: string | null;
  labels: readonly (readonly [key: string, value: string])[] | null;
}

export function toLine(row: LineRow): PayoutLine {
  const labels = row.labels?.map(([key, value]) => ({ key, value })) ?? [];
  const annotation = annotationOf({ reference: row.reference ?? '', labels });
  return {
    line: row.line,
    to: row.to_user_id === null ? { walletId: row.to_wallet_id ?? '' } : { userId: BigInt(row.to_user_id) },
    currency: row.currency,
    amount: BigInt(row.amount),
    key: row.key,
    memo: row.memo,
    creditAccountId: row.credit_account_id ?? undefined,
    reason: row.reason ?? undefined,
    ...(annotation && { annotation }),
  };
}
