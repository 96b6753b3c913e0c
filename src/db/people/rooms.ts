// Rooms and members in the database.
import { col, Op, QueryTypes, type Sequelize, UniqueConstraintError } from 'sequelize';
import { type Page, pageOf } from '../../domain/page.ts';
import type { Member, Room } from '../../domain/people.ts';
import { checkQuota, type Quotas } from '../../domain/quotas.ts';
import { refuseField } from '../../domain/refusal.ts';
import { microsOfDate } from '../sql.ts';
import type { Models } from './models.ts';

/** Serializes changes of a room's members: members are counted, and a removal must hold against a concurrent invitation. */
const LOCK_ROOM = 'SELECT id FROM rooms WHERE id = $room FOR NO KEY UPDATE';
const INVITE_STATE = `
  SELECT EXISTS (SELECT FROM room_members m WHERE m.room_id = r.id AND m.user_id = $by) AS may_invite,
    EXISTS (SELECT FROM room_members m WHERE m.room_id = r.id AND m.user_id = $user) AS is_in,
    EXISTS (SELECT FROM room_removals m WHERE m.room_id = r.id AND m.user_id = $user) AS is_removed,
    r.owner_user_id = $by AS is_owner,
    (SELECT count(*) FROM room_members m WHERE m.room_id = r.id)::text AS members
  FROM rooms r WHERE r.id = $room`;
const INSERT_REMOVAL = `
  INSERT INTO room_removals (room_id, user_id) VALUES ($room, $user) ON CONFLICT DO NOTHING`;
const DELETE_REMOVAL = 'DELETE FROM room_removals WHERE room_id = $room AND user_id = $user';

/** Rooms, members and removals. Everything throws what Postgres does. */
export interface Rooms {
  /** Adds a room with its owner as the first member; undefined when the id is taken. Refuses QUOTA_EXCEEDED. */
  create(room: Pick<Room, 'id' | 'displayName' | 'ownerUserId'>, quotas?: Quotas): Promise<Room | undefined>;
  find(id: string): Promise<Room | undefined>;
  rename(id: string, displayName: string): Promise<Room | undefined>;
  findMember(roomId: string, userId: bigint): Promise<Member | undefined>;
  /** Members in the order of their user ids, behind an id, one page. */
  members(roomId: string, after: bigint, size: number): Promise<Page<Member, bigint>>;
  /** Adds a member, even one that the owner removed; room and user must exist. Changes nothing for a member. For seeding. */
  addMember(roomId: string, userId: bigint): Promise<void>;
  /**
   * Adds a member on behalf of another member; room and user must exist. Changes nothing for a member. Refuses
   * ROOM_NOT_FOUND where `byUserId` is no member any more, REMOVED_BY_OWNER unless it is the owner, QUOTA_EXCEEDED.
   */
  invite(roomId: string, userId: bigint, byUserId: bigint, quotas: Quotas): Promise<void>;
  /** Removes a member; changes nothing for others. What the owner removes stays out until the owner invites it again. */
  removeMember(roomId: string, userId: bigint, isByOwner: boolean): Promise<void>;
}

export function createRooms(sequelize: Sequelize, { Room, Member, User }: Models): Rooms {
  const toRoom = (row: InstanceType<typeof Room>): Room => ({
    id: row.id,
    displayName: row.displayName,
    ownerUserId: BigInt(row.ownerUserId),
    createdAt: microsOfDate(row.createdAt),
  });

  const toMember = (row: InstanceType<typeof Member>): Member => ({
    userId: BigInt(row.userId),
    displayName: row.user?.displayName ?? '',
    joinedAt: microsOfDate(row.joinedAt),
  });

  const withUser = { model: User, as: 'user', required: true };

  return {
    async create({ id, displayName, ownerUserId }, quotas) {
      const owner = ownerUserId.toString();
      try {
        return await sequelize.transaction(async (transaction) => {
          if (quotas) {
            const bind = { owner };
            await sequelize.query('SELECT FROM users WHERE id = $owner FOR NO KEY UPDATE', {
              bind,
              transaction,
            });
            checkQuota(
              quotas,
              'roomsPerUser',
              await Room.count({ where: { ownerUserId: owner }, transaction }),
            );
          }
          const row = await Room.create({ id, displayName, ownerUserId: owner }, { transaction });
          await Member.create({ roomId: id, userId: owner }, { transaction });
          return toRoom(row);
        });
      } catch (error) {
        if (error instanceof UniqueConstraintError) return undefined;
        throw error;
      }
    },

    async find(id) {
      const row = await Room.findByPk(id);
      return row ? toRoom(row) : undefined;
    },

    async rename(id, displayName) {
      const [, rows] = await Room.update(
        { displayName, updatedAt: sequelize.literal('now()') },
        { where: { id }, returning: true },
      );
      return rows[0] ? toRoom(rows[0]) : undefined;
    },

    async findMember(roomId, userId) {
      const row = await Member.findOne({ where: { roomId, userId: userId.toString() }, include: [withUser] });
      return row ? toMember(row) : undefined;
    },

    async members(roomId, after, size) {
      const rows = await Member.findAll({
        where: { roomId, userId: { [Op.gt]: after.toString() } },
        include: [withUser],
        order: [col('Member.user_id')],
        limit: size + 1,
      });
      return pageOf(rows.map(toMember), size, (member) => member.userId);
    },

    async addMember(roomId, userId) {
      await Member.bulkCreate([{ roomId, userId: userId.toString() }], { ignoreDuplicates: true });
    },

    ...memberChanges(sequelize, Member),
  };
}

/** Changes of a room's members, decided under the room's lock. */
function memberChanges(
  sequelize: Sequelize,
  Member: Models['Member'],
): Pick<Rooms, 'invite' | 'removeMember'> {
  return {
    async invite(roomId, userId, byUserId, quotas) {
      await sequelize.transaction(async (transaction) => {
        const bind = { room: roomId, user: userId.toString(), by: byUserId.toString() };
        const rows = await sequelize.query<Record<string, boolean | string>>(LOCK_ROOM, {
          bind: { room: roomId },
          transaction,
          type: QueryTypes.SELECT,
        });
        const [state] = await sequelize.query<Record<string, boolean | string>>(INVITE_STATE, {
          bind,
          transaction,
          type: QueryTypes.SELECT,
        });
        if (rows.length === 0 || !state?.may_invite) throw refuseField('ROOM_NOT_FOUND', 'room_id');
        if (state.is_in) return;
        if (state.is_removed && !state.is_owner) throw refuseField('REMOVED_BY_OWNER', 'user_id');
        checkQuota(quotas, 'membersPerRoom', Number(state.members));
        await sequelize.query(DELETE_REMOVAL, {
          bind: { room: roomId, user: userId.toString() },
          transaction,
        });
        await Member.create({ roomId, userId: userId.toString() }, { transaction });
      });
    },

    async removeMember(roomId, userId, isByOwner) {
      await sequelize.transaction(async (transaction) => {
        const bind = { room: roomId, user: userId.toString() };
        await sequelize.query(LOCK_ROOM, {
          bind: { room: roomId },
          transaction,
        });
        const removed = await Member.destroy({ where: { roomId, userId: userId.toString() }, transaction });
        if (isByOwner && removed > 0) await sequelize.query(INSERT_REMOVAL, { bind, transaction });
      });
    },
  };
}
