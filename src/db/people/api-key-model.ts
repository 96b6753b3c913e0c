// The sequelize model of API keys.
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type Sequelize,
} from 'sequelize';
import type { KeyKind, Scope } from '../../domain/api-key.ts';

/** Defines the model on a connection; the migrations create the table. bigint columns are text, as the driver reads them. */
export function defineApiKey(sequelize: Sequelize) {
  class ApiKey extends Model<InferAttributes<ApiKey>, InferCreationAttributes<ApiKey>> {
    declare id: string;
    declare displayName: string;
    declare kind: KeyKind;
    declare sealedSecret: string | null;
    declare publicKey: string | null;
    declare scopes: Scope[];
    declare userId: string | null;
    declare allowedNetworks: string[];
    declare ratePerSecond: number | null;
    declare replacesId: string | null;
    declare createdAt: CreationOptional<Date>;
    declare activeFrom: Date;
    declare revokedAt: Date | null;
    declare expiresAt: Date | null;
    declare useCount: CreationOptional<string>;
    declare lastUsedAt: Date | null;
  }

  ApiKey.init(
    {
      id: { type: DataTypes.TEXT, primaryKey: true },
      displayName: { type: DataTypes.TEXT, allowNull: false },
      kind: { type: DataTypes.TEXT, allowNull: false },
      sealedSecret: { type: DataTypes.TEXT },
      publicKey: { type: DataTypes.TEXT },
      scopes: { type: DataTypes.ARRAY(DataTypes.TEXT), allowNull: false },
      userId: { type: DataTypes.BIGINT },
      allowedNetworks: { type: DataTypes.ARRAY(DataTypes.TEXT), allowNull: false },
      ratePerSecond: { type: DataTypes.INTEGER },
      replacesId: { type: DataTypes.TEXT },
      createdAt: { type: DataTypes.DATE(6) },
      activeFrom: { type: DataTypes.DATE(6) },
      revokedAt: { type: DataTypes.DATE(6) },
      expiresAt: { type: DataTypes.DATE(6) },
      useCount: { type: DataTypes.BIGINT },
      lastUsedAt: { type: DataTypes.DATE(6) },
    },
    { sequelize, tableName: 'api_keys', underscored: true, timestamps: false },
  );
  return ApiKey;
}
