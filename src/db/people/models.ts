// The sequelize models of users, friendships, rooms and members. Money never goes through them.
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type NonAttribute,
  type Sequelize,
} from 'sequelize';

/** The tables' models on one connection. */
export type Models = ReturnType<typeof defineModels>;

/** Defines the models on a connection; the migrations create the tables. bigint columns are text, as the driver reads them. */
export function defineModels(sequelize: Sequelize) {
  class User extends Model<InferAttributes<User>, InferCreationAttributes<User>> {
    declare id: string;
    declare displayName: string;
    declare createdAt: CreationOptional<Date>;
    declare updatedAt: CreationOptional<Date>;
  }
  class Friendship extends Model<InferAttributes<Friendship>, InferCreationAttributes<Friendship>> {
    declare userId: string;
    declare friendUserId: string;
    declare friend?: NonAttribute<User>;
  }
  class Room extends Model<InferAttributes<Room>, InferCreationAttributes<Room>> {
    declare id: string;
    declare displayName: string;
    declare ownerUserId: string;
    declare createdAt: CreationOptional<Date>;
    declare updatedAt: CreationOptional<Date>;
  }
  class Member extends Model<InferAttributes<Member>, InferCreationAttributes<Member>> {
    declare roomId: string;
    declare userId: string;
    declare joinedAt: CreationOptional<Date>;
    declare user?: NonAttribute<User>;
  }
  const on = (tableName: string) => ({ sequelize, tableName, underscored: true, timestamps: false });
  // A new object for each use: sequelize writes into the objects that it is given.
  const bigintKey = () => ({ type: DataTypes.BIGINT, primaryKey: true });
  const textKey = () => ({ type: DataTypes.TEXT, primaryKey: true });
  const text = () => ({ type: DataTypes.TEXT, allowNull: false });
  // The database sets moments by its own clock.
  const moment = () => ({ type: DataTypes.DATE(6) });

  User.init({ id: bigintKey(), displayName: text(), createdAt: moment(), updatedAt: moment() }, on('users'));
  Friendship.init({ userId: bigintKey(), friendUserId: bigintKey() }, on('friendships'));
  Room.init(
    {
      id: textKey(),
      displayName: text(),
      ownerUserId: { type: DataTypes.BIGINT, allowNull: false },
      createdAt: moment(),
      updatedAt: moment(),
    },
    on('rooms'),
  );
  Member.init({ roomId: textKey(), userId: bigintKey(), joinedAt: moment() }, on('room_members'));
  Friendship.belongsTo(User, { as: 'friend', foreignKey: 'friendUserId' });
  Member.belongsTo(User, { as: 'user', foreignKey: 'userId' });
  return { User, Friendship, Room, Member };
}
