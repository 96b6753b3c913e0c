// Events as JSON, in the structured mode of CloudEvents 1.0 (github.com/cloudevents/spec): what webhooks send. Their data has the
// names and forms that the contract's messages have in JSON (wallet/v2/event.proto).
import type { AnnouncedFacts, EventType, FeedEvent } from './event.ts';
import { MICROS_PER_MS, type Micros } from './time.ts';
import { type PostedTransfer, TRANSFER_KINDS } from './transfer.ts';

/** The media type of an event in structured mode (CloudEvents JSON format, section 3). */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json';

/** The default `source`: with the id it tells events from those of other systems. */
const SOURCE = '/ppuri';

/** A value of JSON. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** An object of JSON. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/**
 * An event as a CloudEvent. Besides the attributes of the specification it has `sequence`, its number with zeros before it so that
 * texts sort as numbers do (the extension of that name), `cursor`, and `schemaversion`.
 */
export function toCloudEvent(event: FeedEvent, source = SOURCE): JsonObject {
  return {
    specversion: '1.0',
    id: event.eventId,
    source,
    type: event.type,
    subject: event.subject,
    time: rfc3339(event.occurredAt),
    datacontenttype: 'application/json',
    sequence: event.sequence.toString().padStart(SEQUENCE_DIGITS, '0'),
    cursor: event.cursor,
    schemaversion: event.schemaVersion,
    data: eventData(event),
  };
}

/** As many as the largest bigint of Postgres has. */
const SEQUENCE_DIGITS = 19;

/** The data of an event, as its message in the contract has it in JSON; nothing of a kind that only a later release knows. */
export function eventData({ type, data }: FeedEvent): JsonObject {
  if ('transfer' in data) return transferData(data.transfer);
  const family = familyOf(type);
  return family === undefined ? {} : DATA[family](data.facts);
}

/** The kinds of data, by what types begin with. */
export type EventFamily =
  | 'transfer'
  | 'sprinkle'
  | 'hold'
  | 'gift'
  | 'payout'
  | 'wallet'
  | 'limit'
  | 'key'
  | 'webhook';

/**
 * What kind of data events of a type have; undefined for a kind of a later release, which may share the database while it takes
 * this one's place, or have been taken back.
 */
export function familyOf(type: EventType): EventFamily | undefined {
  const family = type.slice(0, type.indexOf('.'));
  return Object.hasOwn(DATA, family) ? (family as EventFamily) : undefined;
}

const text = (value: unknown) => (value === undefined || value === null ? '' : String(value));
const userId = (value: unknown) => text(value) || '0';
const money = (currency: unknown, amount: unknown) => ({
  currency_code: text(currency),
  minor_units: text(amount),
});
const enumName = (prefix: string, value: unknown) =>
  `${prefix}_${(text(value) || 'unspecified').toUpperCase()}`;

function transferData({ transfer, ...posted }: PostedTransfer): JsonObject {
  const { currency } = transfer;
  const { debitUserId, creditUserId, annotation } = posted;
  return {
    transfer: {
      transfer_id: transfer.id,
      // A later release may have added kinds to the ledger that this one shares.
      kind: enumName('TRANSFER_KIND', TRANSFER_KINDS.includes(transfer.kind) ? transfer.kind : ''),
      // Accounts without a user are no wallets.
      debit_wallet_id: debitUserId === undefined ? '' : transfer.debitAccountId,
      credit_wallet_id: creditUserId === undefined ? '' : transfer.creditAccountId,
      debit_user_id: userId(debitUserId),
      credit_user_id: userId(creditUserId),
      amount: money(currency, transfer.amount),
      memo: transfer.memo,
      sprinkle_id: text(transfer.sprinkleId),
      created_at: rfc3339(transfer.createdAt),
      key_id: keyIdOf(transfer),
      hold_id: text(posted.holdId),
      gift_id: text(posted.giftId),
      // An event never changes; what is refunded later is a transfer of its own.
      refunded_amount: money(currency, 0),
      refunds_transfer_id: text(posted.refundsTransferId),
      reference: text(annotation?.reference),
      labels: annotation?.labels.map(({ key, value }) => ({ key, value })) ?? [],
    },
    ...(debitUserId !== undefined && { debit_balance_after: money(currency, transfer.debitBalanceAfter) }),
    ...(creditUserId !== undefined && { credit_balance_after: money(currency, transfer.creditBalanceAfter) }),
  };
}

/** The API key that signed the call; those of operators are shown to nobody outside of admin.v1. */
export function keyIdOf({ kind, keyId }: Pick<PostedTransfer['transfer'], 'kind' | 'keyId'>): string {
  return kind === 'reversal' ? '' : text(keyId);
}

/** The states of gifts in the contract, by those of holds. */
const GIFT_STATES: Readonly<Record<string, string>> = { captured: 'accepted', voided: 'cancelled' };

/** Facts of announcements (migrations 0152 and 0295) as data. */
const DATA: Readonly<Record<EventFamily, (facts: AnnouncedFacts) => JsonObject>> = {
  // Of a missing one nothing else is known.
  transfer: (facts) => ({ transfer: { transfer_id: text(facts.transfer_id) } }),
  sprinkle: (facts) => ({
    sprinkle_id: text(facts.sprinkle_id),
    room_id: text(facts.room_id),
    creator_user_id: userId(facts.creator_user_id),
    amount: money(facts.currency, facts.amount),
    headcount: Number(facts.headcount),
    claimed_count: Number(facts.claimed_count),
    claimer_user_id: userId(facts.claimer_user_id),
    ...(facts.claimed_amount !== undefined && {
      claimed_amount: money(facts.currency, facts.claimed_amount),
    }),
    transfer_id: text(facts.transfer_id),
  }),
  hold: (facts) => ({
    hold_id: text(facts.hold_id),
    wallet_id: text(facts.wallet_id),
    user_id: userId(facts.user_id),
    credit_wallet_id: text(facts.credit_wallet_id),
    credit_user_id: userId(facts.credit_user_id),
    amount: money(facts.currency, facts.amount),
    captured_amount: money(facts.currency, facts.captured_amount),
    state: enumName('HOLD_STATE', facts.state),
  }),
  gift: (facts) => ({
    gift_id: text(facts.gift_id),
    wallet_id: text(facts.wallet_id),
    user_id: userId(facts.user_id),
    credit_user_id: userId(facts.credit_user_id),
    amount: money(facts.currency, facts.amount),
    state: enumName('GIFT_STATE', GIFT_STATES[text(facts.state)] ?? facts.state),
  }),
  payout: (facts) => ({
    payout_id: text(facts.payout_id),
    wallet_id: text(facts.wallet_id),
    user_id: userId(facts.user_id),
    paid_amount: money(facts.currency, facts.paid_amount),
    paid_count: Number(facts.paid_count),
    failed_count: Number(facts.failed_count),
    line_count: Number(facts.line_count),
  }),
  wallet: (facts) => ({
    wallet_id: text(facts.wallet_id),
    user_id: userId(facts.user_id),
    direction: enumName('FREEZE_DIRECTION', facts.direction),
    ...(facts.frozen_until !== undefined && { frozen_until: rfc3339(Number(facts.frozen_until)) }),
  }),
  limit: (facts) => ({
    user_id: userId(facts.user_id),
    currency_code: text(facts.currency),
    kind: enumName('LIMIT_KIND', facts.kind),
    ...(facts.kind !== 'day_count' && { limit: money(facts.currency, facts.limit) }),
    count_limit: facts.kind === 'day_count' ? text(facts.limit) : '0',
    ...(facts.resets_at !== undefined && { resets_at: rfc3339(Number(facts.resets_at)) }),
  }),
  key: (facts) => ({
    key_id: text(facts.key_id),
    ...(facts.expires_at !== undefined && { expires_at: rfc3339(Number(facts.expires_at)) }),
  }),
  webhook: (facts) => ({
    webhook_id: text(facts.webhook_id),
    first_sequence: text(facts.first_sequence) || '0',
    last_sequence: text(facts.last_sequence) || '0',
  }),
};

/** A moment as JSON has it (RFC 3339, in UTC): with as many digits of a second, 0, 3 or 6, as it needs. */
function rfc3339(moment: Micros): string {
  const ms = Math.floor(moment / MICROS_PER_MS);
  const iso = new Date(ms).toISOString().slice(0, -1);
  const micros = moment - ms * MICROS_PER_MS;
  if (micros > 0) return `${iso}${String(micros).padStart(3, '0')}Z`;
  return `${iso.replace('.000', '')}Z`;
}
