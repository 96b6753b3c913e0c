// Users and friendships in the database.
import { randomUUID } from 'node:crypto';
import { col, Op, QueryTypes, type Sequelize, UniqueConstraintError } from 'sequelize';
import { type Page, pageOf } from '../../domain/page.ts';
import type { FriendRequest, Friendship, RequestDirection, User } from '../../domain/people.ts';
import { checkQuota, type Quotas } from '../../domain/quotas.ts';
import { microsOf, microsOfDate } from '../sql.ts';
import type { Models } from './models.ts';

/** A friend request as a row. */
interface RequestRow {
  readonly id: string;
  readonly display_name: string;
  readonly created_at: string;
  readonly asked_at: string;
}

/** Serializes two users that ask each other at the same moment, and the requests of one user, which are counted. */
const LOCK_BOTH = `
  SELECT id FROM users WHERE id IN ($one::bigint, $other::bigint) ORDER BY id FOR NO KEY UPDATE`;
const FRIENDSHIP_STATE = `
  SELECT (SELECT count(*) FROM friendships WHERE user_id = $one AND friend_user_id = $other)::text AS are_friends,
    (SELECT count(*) FROM friend_requests WHERE from_user_id = $other AND to_user_id = $one)::text AS was_asked,
    (SELECT count(*) FROM friend_requests WHERE from_user_id = $one AND to_user_id = $other)::text AS has_asked,
    ((SELECT count(*) FROM friendships WHERE user_id = $one)
      + (SELECT count(*) FROM friend_requests WHERE from_user_id = $one))::text AS friends_of_one`;
const INSERT_REQUEST = `
  INSERT INTO friend_requests (from_user_id, to_user_id) VALUES ($one::bigint, $other::bigint)`;
const ACCEPT = `
  WITH accepted AS (DELETE FROM friend_requests WHERE from_user_id = $other AND to_user_id = $one)
  INSERT INTO friendships (user_id, friend_user_id)
  VALUES ($one::bigint, $other::bigint), ($other::bigint, $one::bigint) ON CONFLICT DO NOTHING`;
const DELETE_REQUESTS = `
  DELETE FROM friend_requests
  WHERE (from_user_id = $one AND to_user_id = $other) OR (from_user_id = $other AND to_user_id = $one)`;

/** Users, friendships and friend requests. Everything throws what Postgres does. */
export interface Users {
  /** Adds a user with an empty default wallet in KRW; undefined when the id is taken. */
  create(id: bigint, displayName: string): Promise<User | undefined>;
  find(id: bigint): Promise<User | undefined>;
  /** Undefined when there is no such user. */
  rename(id: bigint, displayName: string): Promise<User | undefined>;
  /** Friends in the order of their ids, behind an id, one page. */
  friends(id: bigint, after: bigint, size: number): Promise<Page<User, bigint>>;
  /** Makes two users friends without a request; both must exist. Changes nothing where they are friends. For seeding. */
  befriend(one: bigint, other: bigint): Promise<void>;
  /**
   * Sends a friend request, or accepts the other user's; both must exist. Changes nothing where they are friends or the
   * request was sent before. Refuses QUOTA_EXCEEDED.
   */
  askFriend(one: bigint, other: bigint, quotas: Quotas): Promise<Friendship>;
  /** Friend requests of a user in the order of the other users' ids, behind an id, one page. */
  friendRequests(
    id: bigint,
    direction: RequestDirection,
    after: bigint,
    size: number,
  ): Promise<Page<FriendRequest, bigint>>;
  /** Ends a friendship and deletes the requests of both sides; changes nothing where there are none. */
  unfriend(one: bigint, other: bigint): Promise<void>;
}

export function createUsers(sequelize: Sequelize, { User, Friendship }: Models): Users {
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

    askFriend: (one, other, quotas) =>
      sequelize.transaction(async (transaction) => {
        const bind = { one: one.toString(), other: other.toString() };
        const ask = (sql: string): Promise<Record<string, string>[]> =>
          sequelize.query(sql, { bind, transaction, type: QueryTypes.SELECT });
        await ask(LOCK_BOTH);
        const [state] = await ask(FRIENDSHIP_STATE);
        if (state?.are_friends === '1') return 'friends';
        if (state?.was_asked === '1') {
          checkQuota(quotas, 'friendsPerUser', Number(state.friends_of_one));
          await ask(ACCEPT);
          return 'friends';
        }
        if (state?.has_asked === '1') return 'requested';
        checkQuota(quotas, 'friendsPerUser', Number(state?.friends_of_one));
        await ask(INSERT_REQUEST);
        return 'requested';
      }),

    async friendRequests(id, direction, after, size) {
      const [mine, theirs] =
        direction === 'incoming' ? ['to_user_id', 'from_user_id'] : ['from_user_id', 'to_user_id'];
      const rows = await sequelize.query<RequestRow>(
        `SELECT u.id, u.display_name, ${microsOf('u.created_at')} AS created_at, ${microsOf('r.created_at')} AS asked_at
         FROM friend_requests r JOIN users u ON u.id = r.${theirs}
         WHERE r.${mine} = $id AND r.${theirs} > $after ORDER BY r.${theirs} LIMIT $limit`,
        { bind: { id: id.toString(), after: after.toString(), limit: size + 1 }, type: QueryTypes.SELECT },
      );
      const requests = rows.map((row) => ({
        user: { id: BigInt(row.id), displayName: row.display_name, createdAt: Number(row.created_at) },
        createdAt: Number(row.asked_at),
      }));
      return pageOf(requests, size, ({ user }) => user.id);
    },

    async unfriend(one, other) {
      await sequelize.transaction(async (transaction) => {
        const bind = { one: one.toString(), other: other.toString() };
        await sequelize.query(LOCK_BOTH, { bind, transaction });
        await Friendship.destroy({ where: { [Op.or]: bothSides(one, other) }, transaction });
        await sequelize.query(DELETE_REQUESTS, { bind, transaction });
      });
    },
  };
}

function toUser(row: InstanceType<Models['User']>): User {
  return { id: BigInt(row.id), displayName: row.displayName, createdAt: microsOfDate(row.createdAt) };
}

/** The two rows of a friendship. */
function bothSides(one: bigint, other: bigint) {
  return [
    { userId: one.toString(), friendUserId: other.toString() },
    { userId: other.toString(), friendUserId: one.toString() },
  ];
}
