// Users, rooms and members, without any money.
import type { Micros } from './time.ts';

/** A user's profile. */
export interface User {
  readonly id: bigint;
  readonly displayName: string;
  readonly createdAt: Micros;
}

/** The relation between two users: one has asked the other, or they are friends. */
export type Friendship = 'requested' | 'friends';

/** Which requests: those that a user received, or those that it sent. */
export type RequestDirection = 'incoming' | 'outgoing';

/** A request to be friends, as one side sees it. */
export interface FriendRequest {
  /** The other side. */
  readonly user: User;
  readonly createdAt: Micros;
}

/** A chat room. */
export interface Room {
  readonly id: string;
  readonly displayName: string;
  readonly ownerUserId: bigint;
  readonly createdAt: Micros;
}

/** A user in a room. */
export interface Member {
  readonly userId: bigint;
  readonly displayName: string;
  readonly joinedAt: Micros;
}
