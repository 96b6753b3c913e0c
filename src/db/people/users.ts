// Users and friendships in the database.
import { randomUUID } from 'node:crypto';
import { col, Op, type Sequelize, UniqueConstraintError } from 'sequelize';
import { type Page, pageOf } from '../../domain/page.ts';
import type { User } from '../../domain/people.ts';
import { microsOfDate } from '../sql.ts';
import type { Models } from './models.ts';

/** The users' table and what hangs on it. */
export interface Users {
  /** Adds a user with an empty default wallet in KRW; undefined when the id is taken. */
  create(id: bigint, displayName: string): Promise<User | undefined>;
  find(id: bigint): Promise<User | undefined>;
  /** Undefined when there is no such user. */
  rename(id: bigint, displayName: string): Promise<User | undefined>;
  /** Friends by id, after a place, one page. */
  friends(id: bigint, after: bigint, size: number): Promise<Page<User, bigint>>;
  /** Makes two users friends; both must exist. Friends already: nothing changes. */
  befriend(one: bigint, other: bigint): Promise<void>;
  /** Ends a friendship; none: nothing changes. */
  unfriend(one: bigint, other: bigint): Promise<void>;
}

export function usersIn(sequelize: Sequelize, { User, Friendship }: Models): Users {
  const toUser = (row: InstanceType<typeof User>): User => ({
    id: BigInt(row.id),
    displayName: row.displayName,
    createdAt: microsOfDate(row.createdAt),
  });

  const bothSides = (one: bigint, other: bigint) => [
    { userId: one.toString(), friendUserId: other.toString() },
    { userId: other.toString(), friendUserId: one.toString() },
  ];

  return {
    async create(id, displayName) {
      try {
        return await sequelize.transaction(async (transaction) => {
          const row = await User.create({ id: id.toString(), displayName }, { transaction });
          await sequelize.query(
            `INSERT INTO accounts (id, kind, currency, owner_user_id, is_default, created_at)
             VALUES ($id, 'wallet', 'KRW', $owner, true, now())`,
            { bind: { id: randomUUID(), owner: id.toString() }, transaction },
          );
          return toUser(row);
        });
      } catch (error) {
        if (error instanceof UniqueConstraintError) return undefined;
        throw error;
      }
    },

    async find(id) {
      const row = await User.findByPk(id.toString());
      return row ? toUser(row) : undefined;
    },

    async rename(id, displayName) {
      const [, rows] = await User.update(
        { displayName, updatedAt: sequelize.literal('now()') },
        { where: { id: id.toString() }, returning: true },
      );
      return rows[0] ? toUser(rows[0]) : undefined;
    },

    async friends(id, after, size) {
      const rows = await Friendship.findAll({
        where: { userId: id.toString(), friendUserId: { [Op.gt]: after.toString() } },
        include: [{ model: User, as: 'friend', required: true }],
        order: [col('Friendship.friend_user_id')],
        limit: size + 1,
      });
      const friends = rows.flatMap(({ friend }) => (friend ? [toUser(friend)] : []));
      return pageOf(friends, size, (friend) => friend.id);
    },

    async befriend(one, other) {
      await Friendship.bulkCreate(bothSides(one, other), { ignoreDuplicates: true });
    },

    async unfriend(one, other) {
      await Friendship.destroy({ where: { [Op.or]: bothSides(one, other) } });
    },
  };
}
