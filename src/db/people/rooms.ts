// Rooms and members in the database.
import { col, Op, type Sequelize, UniqueConstraintError } from 'sequelize';
import { type Page, pageOf } from '../../domain/page.ts';
import type { Member, Room } from '../../domain/people.ts';
import { microsOfDate } from '../sql.ts';
import type { Models } from './models.ts';

/** The rooms' table and what hangs on it. */
export interface Rooms {
  /** Adds a room with its owner as the first member; undefined when the id is taken. */
  create(room: Pick<Room, 'id' | 'displayName' | 'ownerUserId'>): Promise<Room | undefined>;
  find(id: string): Promise<Room | undefined>;
  rename(id: string, displayName: string): Promise<Room | undefined>;
  findMember(roomId: string, userId: bigint): Promise<Member | undefined>;
  /** Members by user id, after a place, one page. */
  members(roomId: string, after: bigint, size: number): Promise<Page<Member, bigint>>;
  /** Brings a user in; room and user must exist. In already: nothing changes. */
  addMember(roomId: string, userId: bigint): Promise<void>;
  /** Takes a user out; not in: nothing changes. */
  removeMember(roomId: string, userId: bigint): Promise<void>;
}

export function roomsIn(sequelize: Sequelize, { Room, Member, User }: Models): Rooms {
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
    async create({ id, displayName, ownerUserId }) {
      const owner = ownerUserId.toString();
      try {
        return await sequelize.transaction(async (transaction) => {
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

    async removeMember(roomId, userId) {
      await Member.destroy({ where: { roomId, userId: userId.toString() } });
    },
  };
}
