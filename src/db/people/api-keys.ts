// API keys in the database.
import { type Sequelize, UniqueConstraintError } from 'sequelize';
import type { ApiKey } from '../../domain/api-key.ts';
import type { Micros } from '../../domain/time.ts';
import { microsOfDate } from '../sql.ts';
import { defineApiKey } from './api-key-model.ts';

/** A key with what it signs with: a sealed secret or a public key. */
export interface StoredKey extends ApiKey {
  readonly sealedSecret: string | undefined;
  /** PEM. */
  readonly publicKey: string | undefined;
}

/** A key that is about to be added. */
export type NewKey = Omit<StoredKey, 'createdAt' | 'revokedAt' | 'useCount' | 'lastUsedAt'>;

/** The API keys' table. */
export interface ApiKeys {
  /** All of them, newest first. */
  list(): Promise<StoredKey[]>;
  find(id: string): Promise<StoredKey | undefined>;
  add(key: NewKey): Promise<StoredKey>;
  /** Adds a key in another one's place and sets when that one ends; undefined when another key took its place before. */
  replace(key: NewKey, oldId: string, oldEndsAt: Micros): Promise<StoredKey | undefined>;
  /** Sets when a key ends, unless it ends before that already. */
  revoke(id: string, at: Micros): Promise<void>;
  setAllowedNetworks(id: string, networks: readonly string[]): Promise<void>;
  setSealedSecret(id: string, sealedSecret: string): Promise<void>;
  /** Adds to the counts of use. */
  countUses(uses: ReadonlyMap<string, number>): Promise<void>;
}

export function apiKeysIn(sequelize: Sequelize): ApiKeys {
  const ApiKey = defineApiKey(sequelize);

  const toKey = (row: InstanceType<typeof ApiKey>): StoredKey => ({
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
    createdAt: microsOfDate(row.createdAt),
    activeFrom: microsOfDate(row.activeFrom),
    revokedAt: row.revokedAt ? microsOfDate(row.revokedAt) : undefined,
    expiresAt: row.expiresAt ? microsOfDate(row.expiresAt) : undefined,
    useCount: BigInt(row.useCount),
    lastUsedAt: row.lastUsedAt ? microsOfDate(row.lastUsedAt) : undefined,
  });

  const toRow = (key: NewKey) => ({
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
    activeFrom: toDate(key.activeFrom),
    revokedAt: null,
    expiresAt: key.expiresAt === undefined ? null : toDate(key.expiresAt),
    lastUsedAt: null,
  });

  const endBy = (id: string, at: Micros) => ({
    revokedAt: sequelize.fn('least', sequelize.col('revoked_at'), toDate(at)),
    where: { id },
  });

  return {
    list: async () => (await ApiKey.findAll({ order: [['createdAt', 'DESC']] })).map(toKey),

    async find(id) {
      const row = await ApiKey.findByPk(id);
      return row ? toKey(row) : undefined;
    },

    add: async (key) => toKey(await ApiKey.create(toRow(key))),

    async replace(key, oldId, oldEndsAt) {
      try {
        return await sequelize.transaction(async (transaction) => {
          const row = await ApiKey.create(toRow(key), { transaction });
          const { revokedAt, where } = endBy(oldId, oldEndsAt);
          await ApiKey.update({ revokedAt }, { where, transaction });
          return toKey(row);
        });
      } catch (error) {
        if (error instanceof UniqueConstraintError) return undefined;
        throw error;
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

/** Times of keys are kept to the millisecond. */
function toDate(moment: Micros): Date {
  return new Date(moment / 1000);
}
