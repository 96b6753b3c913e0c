// Statements as files, CSV or NDJSON: the file goes out in pieces, each as large as a page of transfers.
import type { HttpBody } from '../../../gen/ts/google/api/httpbody.ts';
import type { Timestamp } from '../../../gen/ts/google/protobuf/timestamp.ts';
import { type ExportStatementRequest, StatementFormat } from '../../../gen/ts/wallet/v2/wallet_service.ts';
import { toDecimal } from '../../domain/currency.ts';
import { refuseField } from '../../domain/refusal.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import type { createStatements, StatementBound, StatementPart, Transaction } from '../../usecases/index.ts';
import type { StreamHandler } from '../handlers.ts';
import { toBound } from '../timestamp.ts';
import { shownAnnotation } from './money.ts';

/** The fields of a record, in the order of the columns. `number` counts transfers from 1; the last record has their number. */
const FIELDS = [
  'type',
  'number',
  'time',
  'amount_in',
  'amount_out',
  'balance',
  'currency',
  'counterparty_user_id',
  'counterparty_wallet_id',
  'memo',
  'reference',
  'transfer_id',
  'sprinkle_id',
  'hold_id',
  'gift_id',
  'refunds_transfer_id',
] as const;

/** A record; a field is left out where it is empty. */
type StatementRecord = { readonly [Field in (typeof FIELDS)[number]]?: string };

/** How a file is written. */
interface Format {
  readonly contentType: string;
  readonly extension: string;
  /** What the file begins with. */
  readonly head: string;
  write(record: StatementRecord): string;
}

/**
 * A spreadsheet runs a cell that begins so as a formula (OWASP, CSV Injection), and the memo is the other side's to choose. An
 * apostrophe before it makes it text; one is put before an apostrophe, too, so that taking one away gives the memo back.
 */
const FORMULA = /^['=+\-@\t\r＝＋－＠]/;
/** RFC 4180, and spaces at an end, which some readers drop. */
const NEEDS_QUOTES = /[",\r\n]|^ | $/;

/** Fields whose text people chose; the others hold letters, digits and `-:._` only. */
const FREE_TEXT: ReadonlySet<string> = new Set(['memo', 'reference']);

function csvText(text: string): string {
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const CSV: Format = {
  contentType: 'text/csv; charset=utf-8',
  extension: 'csv',
  // Without the byte order mark Excel reads Korean as another encoding.
  head: `\ufeff${FIELDS.join(',')}\r\n`,
  write: (record) => {
    let line = '';
    for (const field of FIELDS) {
      const value = record[field] ?? '';
      line += `${field === 'type' ? '' : ','}${FREE_TEXT.has(field) ? csvText(value) : value}`;
    }
    return `${line}\r\n`;
  },
};

const NDJSON: Format = {
  contentType: 'application/x-ndjson',
  extension: 'ndjson',
  head: '',
  write: ({ number, ...fields }) => {
    const { type, ...rest } = fields;
    return `${JSON.stringify({ type, ...(number !== undefined && { number: Number(number) }), ...rest })}\n`;
  },
};

/** The handler of ExportStatement. */
export function exportStatement(
  statements: ReturnType<typeof createStatements>,
): StreamHandler<ExportStatementRequest, HttpBody> {
  return async function* (request, { userId }, signal, headers) {
    const format = request.format === StatementFormat.NDJSON ? NDJSON : CSV;
    const wallet = { walletId: request.walletId.toLowerCase(), field: 'wallet_id' };
    for await (const part of statements(userId, wallet, periodOf(request), signal)) {
      const head = part.kind === 'opening' ? format.head : '';
      if (part.kind === 'opening')
        headers.set(
          'content-disposition',
          `attachment; filename="statement-${part.wallet.id}.${format.extension}"`,
        );
      yield {
        contentType: format.contentType,
        data: Buffer.from(head + writePart(part, format, userId)),
        extensions: [],
      };
    }
  };
}

function periodOf({ createdFrom, createdBefore }: ExportStatementRequest) {
  if (createdFrom && createdBefore && !isEarlier(createdFrom, createdBefore))
    throw refuseField('INVALID_FIELD', 'created_before', {
      en: 'must be after created_from',
      ko: 'created_from보다 뒤여야 합니다',
    });
  return { from: toBound(createdFrom, 'created_from'), before: toBound(createdBefore, 'created_before') };
}

function isEarlier(one: Timestamp, other: Timestamp): boolean {
  return one.seconds < other.seconds || (one.seconds === other.seconds && one.nanos < other.nanos);
}

function writePart(part: StatementPart, { write }: Format, userId: bigint): string {
  if (part.kind !== 'transfers') return write(boundRecord(part));
  let text = '';
  for (const [index, item] of part.items.entries())
    text += write(recordOf(item, part.firstNumber + index, userId));
  return text;
}

function boundRecord({ kind, at, wallet: { currency }, totals }: StatementBound): StatementRecord {
  const { count, amountIn, amountOut, balance } = totals;
  return {
    type: kind.toUpperCase(),
    ...(kind === 'closing' && { number: String(count) }),
    time: rfc3339(at),
    ...(kind === 'closing' && {
      amount_in: toDecimal(amountIn, currency),
      amount_out: toDecimal(amountOut, currency),
    }),
    balance: toDecimal(balance, currency),
    currency,
  };
}

function recordOf(transaction: Transaction, number: number, userId: bigint): StatementRecord {
  const { transfer, direction, balanceAfter, counterpartyUserId, holdId, giftId, refundsTransferId } =
    transaction;
  const { currency, amount } = transfer;
  const { reference } = shownAnnotation(transaction.annotation, userId);
  const other = direction === 'in' ? transfer.debitAccountId : transfer.creditAccountId;
  return {
    type: transfer.kind.toUpperCase(),
    number: String(number),
    time: rfc3339(transfer.createdAt),
    [direction === 'in' ? 'amount_in' : 'amount_out']: toDecimal(amount, currency),
    balance: toDecimal(balanceAfter, currency),
    currency,
    // Pots and the world outside are not wallets.
    ...(counterpartyUserId !== undefined && {
      counterparty_user_id: counterpartyUserId.toString(),
      counterparty_wallet_id: other,
    }),
    ...(transfer.memo !== '' && { memo: transfer.memo }),
    ...(reference !== '' && { reference }),
    transfer_id: transfer.id,
    ...(transfer.sprinkleId !== undefined && { sprinkle_id: transfer.sprinkleId }),
    ...(holdId !== undefined && { hold_id: holdId }),
    ...(giftId !== undefined && { gift_id: giftId }),
    ...(refundsTransferId !== undefined && { refunds_transfer_id: refundsTransferId }),
  };
}

/** In UTC, to the microsecond. */
function rfc3339(at: Micros): string {
  const ms = Math.floor(at / MICROS_PER_MS);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(at - ms * MICROS_PER_MS).padStart(3, '0')}Z`;
}
