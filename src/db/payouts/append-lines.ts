// Adds lines to a draft: validated, numbered, and counted in one transaction.
import type { Pool, PoolClient } from 'pg';
import type { Currency } from '../../domain/currency.ts';
import type { KnownOfLines, Payee, Payout, PayoutLine, RequestedLine } from '../../domain/payout.ts';
import { labelsJson } from '../rows.ts';
import { plainArray, textArray } from '../sql.ts';
import { inTransaction } from '../transaction.ts';
import { linesBetween } from './lines.ts';
import { PAYOUT_COLUMNS, type PayoutRow, toPayout } from './rows.ts';

/** A draft that is locked while lines are added to it. */
export interface OpenDraft {
  readonly payout: Payout;
  /** The existing lines in a range, both ends included. */
  linesBetween(first: number, last: number): Promise<PayoutLine[]>;
  /** Loads what has to be known to validate new lines. */
  load(lines: readonly RequestedLine[]): Promise<KnownOfLines>;
  /** Appends lines. */
  append(lines: readonly PayoutLine[]): Promise<void>;
}

const LOCK = `SELECT ${PAYOUT_COLUMNS} FROM payouts p WHERE p.id = $1 AND p.owner_user_id = $2 FOR NO KEY UPDATE`;

const WALLETS = `
  SELECT id, currency, owner_user_id, is_default FROM accounts
  WHERE kind = 'wallet' AND id = ANY ($1::uuid[] || ARRAY(
    SELECT id FROM accounts WHERE owner_user_id = ANY ($2::bigint[]) AND is_default))`;

const TAKEN_KEYS = `
  SELECT key FROM payout_lines WHERE payout_id = $1 AND key = ANY ($2::text[]) AND key <> '' AND reason IS NULL`;

/** Those that the user gave to a transfer, or to a line of this payout. */
const TAKEN_REFERENCES = `
  SELECT n.reference FROM annotations n
  WHERE n.user_id = $2 AND n.subject = 'transfer' AND n.reference = ANY ($3::text[])
  UNION ALL SELECT l.reference FROM payout_lines l
  WHERE l.payout_id = $1 AND l.reference = ANY ($3::text[]) AND l.reason IS NULL`;

const INSERT = `
  INSERT INTO payout_lines (payout_id, line, to_user_id, to_wallet_id, currency, amount, key, memo, credit_account_id, reason,
    reference, labels)
  SELECT $1, new.line, new.to_user_id, new.to_wallet_id, new.currency, new.amount, new.key, new.memo, new.credit_account_id,
    new.reason, new.reference, new.labels::json
  FROM unnest($2::integer[], $3::bigint[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::text[],
    $9::uuid[], $10::text[], $11::text[], $12::text[])
    AS new (line, to_user_id, to_wallet_id, currency, amount, key, memo, credit_account_id, reason, reference, labels)`;

const COUNT = `
  UPDATE payouts SET line_count = line_count + $2, bad_count = bad_count + $3, total_amount = total_amount + $4 WHERE id = $1`;

/**
 * Locks a user's payout while `work` adds lines to it, so that nobody starts it or adds others meanwhile. Undefined if the
 * user has no such payout.
 */
export function withDraft<T>(
  pool: Pool,
  userId: bigint,
  payoutId: string,
  work: (draft: OpenDraft) => Promise<T>,
): Promise<T | undefined> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<PayoutRow>({
      name: 'lock-draft',
      text: LOCK,
      values: [payoutId, userId],
    });
    if (!rows[0]) return undefined;
    return work({
      payout: toPayout(rows[0]),
      linesBetween: (first, last) => linesBetween(client, payoutId, first, last),
      load: (lines) => load(client, payoutId, userId, lines),
      append: (lines) => append(client, payoutId, lines),
    });
  });
}

async function load(
  client: PoolClient,
  payoutId: string,
  userId: bigint,
  lines: readonly RequestedLine[],
): Promise<KnownOfLines> {
  const walletIds = lines.flatMap(({ to }) => ('walletId' in to ? [to.walletId] : []));
  const userIds = lines.flatMap(({ to }) => ('userId' in to ? [to.userId] : []));
  type Row = { id: string; currency: Currency; owner_user_id: string; is_default: boolean };
  const wallets = await client.query<Row>({
    name: 'payee-wallets',
    text: WALLETS,
    values: [plainArray(walletIds), plainArray(userIds)],
  });
  const taken = await client.query<{ key: string }>({
    name: 'taken-line-keys',
    text: TAKEN_KEYS,
    values: [payoutId, textArray(lines.map(({ key }) => key))],
  });
  const references = await takenReferences(client, payoutId, userId, lines);
  const byId = new Map(wallets.rows.map((row) => [row.id, row]));
  const byOwner = new Map(
    wallets.rows.filter((row) => row.is_default).map((row) => [row.owner_user_id, row]),
  );
  const keys = new Set(taken.rows.map(({ key }) => key));
  return {
    wallet: (to: Payee) => ('userId' in to ? byOwner.get(to.userId.toString()) : byId.get(to.walletId)),
    isKeyTaken: (key) => keys.has(key),
    isReferenceTaken: (reference) => references.has(reference),
  };
}

async function takenReferences(
  client: PoolClient,
  payoutId: string,
  userId: bigint,
  lines: readonly RequestedLine[],
): Promise<ReadonlySet<string>> {
  const wanted = lines.flatMap(({ annotation }) => annotation?.reference || []);
  if (wanted.length === 0) return new Set();
  const { rows } = await client.query<{ reference: string }>({
    name: 'taken-references',
    text: TAKEN_REFERENCES,
    values: [payoutId, userId, textArray(wanted)],
  });
  return new Set(rows.map(({ reference }) => reference));
}

async function append(client: PoolClient, payoutId: string, lines: readonly PayoutLine[]): Promise<void> {
  const good = lines.filter(({ reason }) => reason === undefined);
  const values = [
    payoutId,
    plainArray(lines.map(({ line }) => line)),
    plainArray(lines.map(({ to }) => ('userId' in to ? to.userId : 'NULL'))),
    plainArray(lines.map(({ to }) => ('walletId' in to ? to.walletId : 'NULL'))),
    plainArray(lines.map(({ currency }) => currency)),
    plainArray(lines.map(({ amount }) => amount)),
    textArray(lines.map(({ key }) => key)),
    textArray(lines.map(({ memo }) => memo)),
    plainArray(lines.map(({ creditAccountId }) => creditAccountId ?? 'NULL')),
    plainArray(lines.map(({ reason }) => reason ?? 'NULL')),
    textArray(lines.map(({ annotation }) => annotation?.reference || undefined)),
    textArray(lines.map(({ annotation }) => labelsJson(annotation?.labels ?? []))),
  ];
  await client.query({ name: 'insert-payout-lines', text: INSERT, values });
  const total = good.reduce((sum, { amount }) => sum + amount, 0n);
  const counts = [payoutId, lines.length, lines.length - good.length, total];
  await client.query({ name: 'count-payout-lines', text: COUNT, values: counts });
}
