// Users, rooms and members: who there is, apart from any money.
import type { Micros } from './time.ts';

/** A user's profile. */
export interface User {
  readonly id: bigint;
  readonly displayName: string;
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
