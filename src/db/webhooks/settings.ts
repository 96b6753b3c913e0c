// What servers do to webhooks: they make, change and delete them, list deliveries and ask for events once more.
import { type Page, pageOf } from '../../domain/page.ts';
import type { Micros } from '../../domain/time.ts';
import {
  type Delivery,
  type DeliveryState,
  MAX_TEST_EVENTS,
  TEST_EVENT,
  type Webhook,
} from '../../domain/webhook.ts';
import { type Pool, sqlState } from '../pool.ts';
import { plainArray, textArray, timestamptz } from '../sql.ts';
import {
  DELIVERY_COLUMNS,
  type DeliveryRow,
  toDelivery,
  toWebhook,
  WEBHOOK_COLUMNS,
  type WebhookRow,
} from './rows.ts';

/** A webhook to add; its keys are sealed. */
export interface NewWebhook {
  readonly id: string;
  readonly url: string;
  readonly types: readonly string[];
  readonly description: string;
  readonly sealedKeys: string;
  readonly publicKey: string;
}

/** What is to change; undefined leaves it. */
export interface WebhookChange {
  readonly url: string | undefined;
  readonly types: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly isPaused: boolean | undefined;
}

/** The place of a delivery in a list, newest first. */
export interface DeliveryPlace {
  readonly createdAt: Micros;
  readonly id: string;
}

/** Keys that take the place of others. */
export interface NewKeys {
  readonly sealedKeys: string;
  readonly publicKey: string;
  /** How long the replaced ones sign too, in milliseconds; 0 ends all old ones at once. */
  readonly overlapMs: number;
}

/**
 * Webhooks as their owners see them. An owner is the first of a line of API keys; `keyId` is any key of the line, and other
 * owners' webhooks are not found. Everything throws what Postgres does.
 */
export interface Webhooks {
  /** `exists`: the owner has one with this URL; `too many`: as many as `most`. */
  add(keyId: string, webhook: NewWebhook, most: number): Promise<Webhook | 'exists' | 'too many'>;
  find(keyId: string, id: string): Promise<Webhook | undefined>;
  /** All of an owner, oldest first. */
  list(keyId: string): Promise<Webhook[]>;
  change(keyId: string, id: string, change: WebhookChange): Promise<Webhook | 'exists' | undefined>;
  /** False where there is none. */
  delete(keyId: string, id: string): Promise<boolean>;
  /** `in progress`: the keys that were replaced last are still valid. */
  replaceKeys(keyId: string, id: string, keys: NewKeys): Promise<Webhook | 'in progress' | undefined>;
  /** Newest first, one page. */
  deliveries(
    id: string,
    state: DeliveryState | undefined,
    after: DeliveryPlace | undefined,
    size: number,
  ): Promise<Page<Delivery, DeliveryPlace>>;
  /** Sends deliveries of a webhook again; how many of these there are. */
  sendAgain(id: string, deliveryIds: readonly string[]): Promise<number>;
  /** Takes up a range of the feed once more, as far as it was taken up before; false while another one is under way. */
  repeat(id: string, afterSequence: bigint, throughSequence: bigint | undefined): Promise<boolean>;
  /** The last event of the feed that was readable before a moment. */
  lastSequenceBefore(moment: Micros): Promise<bigint>;
  /** The last event of the feed that is kept no longer. */
  purgedThrough(): Promise<bigint>;
  /** Undefined where MAX_TEST_EVENTS are on their way. */
  addTestEvent(id: string, deliveryId: string): Promise<Delivery | undefined>;
}

const OWN = 'w.deleted_at IS NULL AND w.owner_key_id = key_line($1)';

const INSERT = `
  INSERT INTO webhooks AS w (id, owner_key_id, url, types, description, sealed_keys, public_key, last_sequence)
  SELECT $2, key_line($1), $3, $4, $5, $6, $7, (SELECT last_sequence FROM feed_end)
  WHERE (SELECT count(*) FROM webhooks w WHERE ${OWN}) < $8
  ON CONFLICT (owner_key_id, url) WHERE deleted_at IS NULL DO NOTHING
  RETURNING ${WEBHOOK_COLUMNS}`;
const HAS_URL = `SELECT 1 FROM webhooks w WHERE ${OWN} AND w.url = $2`;
const FIND = `SELECT ${WEBHOOK_COLUMNS} FROM webhooks w WHERE ${OWN} AND w.id = $2`;
const LIST = `SELECT ${WEBHOOK_COLUMNS} FROM webhooks w WHERE ${OWN} ORDER BY w.created_at, w.id`;

/** One that its receiver failed keeps its reason when its owner pauses it, too. */
const CHANGE = `
  UPDATE webhooks AS w SET url = coalesce($3, w.url), types = coalesce($4, w.types), description = coalesce($5, w.description),
    state = CASE $6::boolean WHEN true THEN 'paused' WHEN false THEN 'active' ELSE w.state END,
    pause_reason = CASE $6::boolean WHEN true THEN coalesce(w.pause_reason, 'owner') WHEN false THEN NULL ELSE w.pause_reason END,
    paused_at = CASE $6::boolean WHEN true THEN coalesce(w.paused_at, clock_timestamp()) WHEN false THEN NULL ELSE w.paused_at END,
    version = w.version + 1
  WHERE ${OWN} AND w.id = $2
  RETURNING ${WEBHOOK_COLUMNS}`;
/** For another address, and for one that goes on: what failed is tried at once, and the days until it is given up begin again. */
const CHANGE_AND_HURRY = `
  WITH changed AS (${CHANGE}), hurried AS (
    UPDATE webhook_deliveries d
    SET failing_since = NULL, pending_since = clock_timestamp(), next_attempt_at = clock_timestamp()
    FROM changed WHERE d.webhook_id = changed.id AND d.delivered_at IS NULL)
  SELECT * FROM changed`;

const DELETE = `
  UPDATE webhooks AS w SET deleted_at = clock_timestamp(), sealed_keys = NULL, previous_sealed_keys = NULL,
    previous_public_key = NULL, previous_until = NULL, version = w.version + 1
  WHERE ${OWN} AND w.id = $2`;

const REPLACE_KEYS = `
  UPDATE webhooks AS w SET sealed_keys = $3, public_key = $4, version = w.version + 1,
    previous_sealed_keys = CASE WHEN $5::double precision > 0 THEN w.sealed_keys END,
    previous_public_key = CASE WHEN $5::double precision > 0 THEN w.public_key END,
    previous_until = CASE WHEN $5::double precision > 0 THEN clock_timestamp() + $5 * interval '1 millisecond' END
  WHERE ${OWN} AND w.id = $2
    AND ($5::double precision = 0 OR coalesce(w.previous_until, '-infinity') <= clock_timestamp())
  RETURNING ${WEBHOOK_COLUMNS}`;

const DELIVERIES = `
  SELECT ${DELIVERY_COLUMNS} FROM webhook_deliveries d
  WHERE d.webhook_id = $1 AND ($2::timestamptz IS NULL OR (d.created_at, d.id) < ($2, $3::uuid))
    AND CASE $4::text WHEN 'delivered' THEN d.delivered_at IS NOT NULL AND NOT d.is_expired
      WHEN 'expired' THEN d.is_expired
      WHEN 'retrying' THEN d.delivered_at IS NULL AND d.failing_since IS NOT NULL
      WHEN 'pending' THEN d.delivered_at IS NULL AND d.failing_since IS NULL ELSE true END
  ORDER BY d.created_at DESC, d.id DESC LIMIT $5`;

const SEND_AGAIN = `
  UPDATE webhook_deliveries SET failing_since = NULL, pending_since = clock_timestamp(), next_attempt_at = clock_timestamp(), delivered_at = NULL,
    is_expired = false
  WHERE webhook_id = $1 AND id = ANY ($2::uuid[])`;
const TELL_WORKER = 'UPDATE webhooks SET version = version + 1 WHERE id = $1';

const REPEAT = `
  UPDATE webhooks SET again_after = $2, again_through = least(coalesce($3, last_sequence), last_sequence), version = version + 1
  WHERE id = $1 AND again_after IS NULL AND $2 < least(coalesce($3, last_sequence), last_sequence)`;
const IS_REPEATING = 'SELECT again_after IS NOT NULL AS is_repeating FROM webhooks WHERE id = $1';
const LAST_BEFORE = `
  SELECT coalesce((SELECT first_sequence - 1 FROM feed_segments WHERE sealed_at >= $1 ORDER BY sealed_at, last_sequence LIMIT 1),
    (SELECT last_sequence FROM feed_end)) AS sequence`;

const ADD_TEST = `
  INSERT INTO webhook_deliveries AS d (id, webhook_id, event_id, type)
  SELECT $2::uuid, $1::uuid, $2::uuid::text, '${TEST_EVENT}'
  WHERE (SELECT count(*) FROM webhook_deliveries t WHERE t.webhook_id = $1 AND t.delivered_at IS NULL AND t.sequence IS NULL)
    < ${MAX_TEST_EVENTS}
  RETURNING ${DELIVERY_COLUMNS}`;

const UNIQUE_VIOLATION = '23505';

const PURGED = 'SELECT purged_through FROM feed_state';

/** Webhooks in a server's database. */
export function createWebhooks(pool: Pool): Webhooks {
  const one = async (text: string, values: unknown[]): Promise<Webhook | undefined> => {
    const { rows } = await pool.query<WebhookRow>(text, values);
    return rows[0] && toWebhook(rows[0]);
  };
  const find: Webhooks['find'] = (keyId, id) => one(FIND, [keyId, id]);
  return {
    find,
    async add(keyId, { id, url, types, description, sealedKeys, publicKey }, most) {
      const values = [keyId, id, url, textArray(types), description, sealedKeys, publicKey, most];
      const added = await one(INSERT, values);
      if (added) return added;
      const { rowCount } = await pool.query(HAS_URL, [keyId, url]);
      return rowCount === 0 ? 'too many' : 'exists';
    },
    async list(keyId) {
      return (await pool.query<WebhookRow>(LIST, [keyId])).rows.map(toWebhook);
    },
    async change(keyId, id, { url, types, description, isPaused }) {
      try {
        const values = [keyId, id, url, types && textArray(types), description, isPaused];
        return await one(url !== undefined || isPaused === false ? CHANGE_AND_HURRY : CHANGE, values);
      } catch (error) {
        if (sqlState(error) === UNIQUE_VIOLATION) return 'exists';
        throw error;
      }
    },
    delete: async (keyId, id) => (await pool.query(DELETE, [keyId, id])).rowCount === 1,
    async replaceKeys(keyId, id, { sealedKeys, publicKey, overlapMs }) {
      const replaced = await one(REPLACE_KEYS, [keyId, id, sealedKeys, publicKey, overlapMs]);
      return replaced ?? ((await find(keyId, id)) && 'in progress');
    },
    async deliveries(id, state, after, size) {
      const from = after && timestamptz(after.createdAt);
      const { rows } = await pool.query<DeliveryRow>(DELIVERIES, [id, from, after?.id, state, size + 1]);
      return pageOf(rows.map(toDelivery), size, ({ createdAt, id }) => ({ createdAt, id }));
    },
    async sendAgain(id, deliveryIds) {
      const { rowCount } = await pool.query(SEND_AGAIN, [id, plainArray(deliveryIds)]);
      await pool.query(TELL_WORKER, [id]);
      return rowCount ?? 0;
    },
    async repeat(id, afterSequence, throughSequence) {
      if ((await pool.query(REPEAT, [id, afterSequence, throughSequence])).rowCount === 1) return true;
      const { rows } = await pool.query<{ is_repeating: boolean }>(IS_REPEATING, [id]);
      // Where there is nothing to repeat, it is done.
      return rows[0]?.is_repeating !== true;
    },
    async lastSequenceBefore(moment) {
      const { rows } = await pool.query<{ sequence: string }>(LAST_BEFORE, [timestamptz(moment)]);
      return BigInt(rows[0]?.sequence ?? 0);
    },
    async purgedThrough() {
      const { rows } = await pool.query<{ purged_through: string }>(PURGED);
      return BigInt(rows[0]?.purged_through ?? 0);
    },
    async addTestEvent(id, deliveryId) {
      const { rows } = await pool.query<DeliveryRow>(ADD_TEST, [id, deliveryId]);
      await pool.query(TELL_WORKER, [id]);
      return rows[0] && toDelivery(rows[0]);
    },
  };
}
