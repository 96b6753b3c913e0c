// The connection that the people's models use.
import { Sequelize } from 'sequelize';
import { IDLE_IN_TRANSACTION_MS } from '../timeouts.ts';
import { type ApiKeys, apiKeysIn } from './api-keys.ts';
import { defineModels } from './models.ts';
import { type Rooms, roomsIn } from './rooms.ts';
import { type Users, usersIn } from './users.ts';

/** People, and the keys that act for them, in the database. */
export interface People {
  readonly users: Users;
  readonly rooms: Rooms;
  readonly apiKeys: ApiKeys;
  close(): Promise<void>;
}

/** Opens a pool of connections for the people's tables. */
export function connectPeople(url: string, maxConnections: number): People {
  const sequelize = new Sequelize(url, {
    dialect: 'postgres',
    logging: false,
    pool: { max: maxConnections, acquire: 5_000 },
    dialectOptions: {
      application_name: 'ppuri',
      keepAlive: true,
      statement_timeout: 10_000,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    },
  });
  const models = defineModels(sequelize);
  return {
    users: usersIn(sequelize, models),
    rooms: roomsIn(sequelize, models),
    apiKeys: apiKeysIn(sequelize),
    close: () => sequelize.close(),
  };
}
