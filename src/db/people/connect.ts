// The connection that the people's models use.
import pg from 'pg';
import { Sequelize } from 'sequelize';
import { startupOptions } from '../pool.ts';
import {
  ANSWER_LATE_MS,
  CONNECT_TIMEOUT_MS,
  IDLE_IN_TRANSACTION_MS,
  KEEPALIVE_DELAY_MS,
  STATEMENT_TIMEOUT_MS,
} from '../timeouts.ts';
import { type ApiKeys, apiKeysIn } from './api-keys.ts';
import { defineModels } from './models.ts';
import { type Rooms, roomsIn } from './rooms.ts';
import { type Users, usersIn } from './users.ts';

/** People, and the keys that act for them, in the database. */
export interface People {
  readonly users: Users;
  readonly rooms: Rooms;
  readonly apiKeys: ApiKeys;
  /** Resolves when a connection of the pool has answered. */
  ask(): Promise<void>;
  close(): Promise<void>;
}

/** Closes the connection when an answer does not come in time, as the driver does only where it pipelines. */
class ClosingClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super({ ...config, pipeline: true, keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS } as pg.ClientConfig);
  }
}

/** Opens a pool of connections for the people's tables. */
export function connectPeople(url: string, maxConnections: number): People {
  const sequelize = new Sequelize(url, {
    dialect: 'postgres',
    logging: false,
    pool: { max: maxConnections, acquire: CONNECT_TIMEOUT_MS },
    dialectModule: { ...pg, Client: ClosingClient },
    dialectOptions: {
      application_name: 'ppuri',
      options: startupOptions(),
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + ANSWER_LATE_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    },
  });
  const models = defineModels(sequelize);
  return {
    users: usersIn(sequelize, models),
    rooms: roomsIn(sequelize, models),
    apiKeys: apiKeysIn(sequelize),
    ask: () => sequelize.authenticate({ logging: false }),
    close: () => sequelize.close(),
  };
}
