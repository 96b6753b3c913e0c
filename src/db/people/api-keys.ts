// API keys and how often they were used, in the database.
import { DatabaseError, type FindAttributeOptions, type Sequelize, UniqueConstraintError } from 'sequelize';
import type { ApiKey } from '../../domain/api-key.ts';
import type { Micros } from '../../domain/time.ts';
import { microsOf, timestamptz } from '../sql.ts';
import { defineApiKey } from './api-key-model.ts';

/** A key with what its signatures are checked with: a sealed secret or a public key. */
export interface StoredKey extends ApiKey {
  readonly sealedSecret: string | undefined;
  /** PEM. */
  readonly publicKey: string | undefined;
}

/** A key to add. */
export type NewKey = Omit<StoredKey, 'createdAt' | 'revokedAt' | 'useCount' | 'lastUsedAt'>;

/** API keys. Everything throws what Postgres does. */
export interface ApiKeys {
  /** All of them, newest first. */
  list(): Promise<StoredKey[]>;
  find(id: string): Promise<StoredKey | undefined>;
  add(key: NewKey): Promise<StoredKey>;
  /**
   * Sets when a key ends and adds its successor. `replaced`: it has a successor already; `two are live`: two keys of its line
   * are live already (migration 0054). Nothing has changed then.
   */
  replace(key: NewKey, oldId: string, oldEndsAt: Micros): Promise<StoredKey | 'replaced' | 'two are live'>;
  /** Sets when a key ends, unless it ends earlier already. */
  revoke(id: string, at: Micros): Promise<void>;
  setAllowedNetworks(id: string, networks: readonly string[]): Promise<void>;
  setSealedSecret(id: string, sealedSecret: string): Promise<void>;
  /** Adds to the counts of use. */
  countUses(uses: ReadonlyMap<string, number>): Promise<void>;
}

export function createApiKeys(sequelize: Sequelize): ApiKeys {
  const ApiKey = defineApiKey(sequelize);

  /** A JavaScript Date has milliseconds only, so moments are read and written as SQL expressions in microseconds. */
  const withMoments = {
    include: MOMENTS.map((column) => [sequelize.literal(microsOf(column)), microsColumn(column)]),
  } as FindAttributeOptions;
  const literal = (moment: Micros) => literalOf(sequelize, moment);

  const endBy = (id: string, at: Micros) => ({
    revokedAt: sequelize.fn('least', sequelize.col('revoked_at'), literal(at)),
    where: { id },
  });

  return {
    list: async () =>
      (await ApiKey.findAll({ attributes: withMoments, order: [['createdAt', 'DESC']] })).map(toKey),

    async find(id) {
      const row = await ApiKey.findByPk(id, { attributes: withMoments });
      return row ? toKey(row) : undefined;
    },

    async add(key) {
      const { id } = await ApiKey.create(toRow(key, literal));
      return toKey(await ApiKey.findByPk(id, { attributes: withMoments, rejectOnEmpty: true }));
    },

    async replace(key, oldId, oldEndsAt) {
      try {
        return await sequelize.transaction(async (transaction) => {
          // First the old key ends, so that it does not count as live where it ends at once.
          const { revokedAt, where } = endBy(oldId, oldEndsAt);
          await ApiKey.update({ revokedAt }, { where, transaction });
          const { id } = await ApiKey.create(toRow(key, literal), { transaction });
          return toKey(
            await ApiKey.findByPk(id, { attributes: withMoments, transaction, rejectOnEmpty: true }),
          );
        });
      } catch (error) {
        return whyNotReplaced(error);
      }
    },

    async revoke(id, at) {
      const { revokedAt, where } = endBy(id, at);
      await ApiKey.update({ revokedAt }, { where });
    },

    async setAllowedNetworks(id, networks) {
      await ApiKey.update({ allowedNetworks: [...networks] }, { where: { id } });
    },

    async setSealedSecret(id, sealedSecret) {
      await ApiKey.update({ sealedSecret }, { where: { id } });
    },

    async countUses(uses) {
      await sequelize.query(
        `UPDATE api_keys k SET use_count = k.use_count + used.count, last_used_at = now()
         FROM unnest($ids::text[], $counts::bigint[]) AS used (id, count) WHERE k.id = used.id`,
        { bind: { ids: [...uses.keys()], counts: [...uses.values()] } },
      );
    },
  };
}

/** The model's type knows no SQL expressions. */
function literalOf(sequelize: Sequelize, moment: Micros): Date {
  return sequelize.literal(`'${timestamptz(moment)}'::timestamptz`) as unknown as Date;
}

const MOMENTS = ['created_at', 'active_from', 'revoked_at', 'expires_at', 'last_used_at'] as const;
type MomentColumn = (typeof MOMENTS)[number];

const microsColumn = (column: MomentColumn) => `${column}_micros`;

function momentIn(row: { get(name: string): unknown }, column: MomentColumn): Micros | undefined {
  const micros = row.get(microsColumn(column));
  return micros === null ? undefined : Number(micros);
}

/** Throws any other error. */
function whyNotReplaced(error: unknown): 'replaced' | 'two are live' {
  if (error instanceof UniqueConstraintError) return 'replaced';
  const cause = error instanceof DatabaseError ? error.original : undefined;
  const { constraint } = (cause ?? {}) as { constraint?: unknown };
  if (constraint === 'api_keys_two_of_a_line') return 'two are live';
  throw error;
}

type ApiKeyRow = InstanceType<ReturnType<typeof defineApiKey>>;
type Literal = ReturnType<typeof literalOf>;

function toKey(row: ApiKeyRow): StoredKey {
  return {
    id: row.id,
    displayName: row.displayName,
    kind: row.kind,
    sealedSecret: row.sealedSecret ?? undefined,
    publicKey: row.publicKey ?? undefined,
    scopes: row.scopes,
    userId: row.userId === null ? undefined : BigInt(row.userId),
    allowedNetworks: row.allowedNetworks,
    ratePerSecond: row.ratePerSecond ?? undefined,
    replacesId: row.replacesId ?? undefined,
    createdAt: momentIn(row, 'created_at') ?? 0,
    activeFrom: momentIn(row, 'active_from') ?? 0,
    revokedAt: momentIn(row, 'revoked_at'),
    expiresAt: momentIn(row, 'expires_at'),
    useCount: BigInt(row.useCount),
    lastUsedAt: momentIn(row, 'last_used_at'),
  };
}

function toRow(key: NewKey, literal: (moment: Micros) => Literal) {
  return {
    id: key.id,
    displayName: key.displayName,
    kind: key.kind,
    sealedSecret: key.sealedSecret ?? null,
    publicKey: key.publicKey ?? null,
    scopes: [...key.scopes],
    userId: key.userId?.toString() ?? null,
    allowedNetworks: [...key.allowedNetworks],
    ratePerSecond: key.ratePerSecond ?? null,
    replacesId: key.replacesId ?? null,
    activeFrom: literal(key.activeFrom),
    revokedAt: null,
    expiresAt: key.expiresAt === undefined ? null : literal(key.expiresAt),
    lastUsedAt: null,
  };
}
