// Users, friends, rooms, members and API keys in the database: few, ordinary rows behind sequelize models. Money never goes
// through here.

export type { ApiKeys, NewKey, StoredKey } from './api-keys.ts';
export { createPeople, type People } from './people.ts';
export type { Rooms } from './rooms.ts';
export type { Users } from './users.ts';
