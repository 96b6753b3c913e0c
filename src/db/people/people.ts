// The people's tables over a pool of connections of their own, with the timeouts of every other pool.
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
import { type ApiKeys, createApiKeys } from './api-keys.ts';
import { defineModels } from './models.ts';
import { createRooms, type Rooms } from './rooms.ts';
import { createUsers, type Users } from './users.ts';

/** People, and the keys that act for them, in the database. */
export interface People extends AsyncDisposable {
  readonly users: Users;
  readonly rooms: Rooms;
  readonly apiKeys: ApiKeys;
  /** Resolves when a connection of the pool has answered; throws what Postgres does. */
  ping(): Promise<void>;
}

/** How to reach the database. */
export interface PeopleOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** Postgres ends a statement that runs longer, in milliseconds; STATEMENT_TIMEOUT_MS where it is not given. */
  readonly statementTimeoutMs?: number;
}

/** Closes the connection when a response does not come in time; the driver does that only with pipelining. */
class ClosingClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super({ ...config, pipeline: true, keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS } as pg.ClientConfig);
  }
}

/** Creates the people's tables; connections are opened as they are needed. */
export function createPeople({
  url,
  maxConnections,
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
}: PeopleOptions): People {
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
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + ANSWER_LATE_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    },
  });
  const models = defineModels(sequelize);
  return {
    users: createUsers(sequelize, models),
    rooms: createRooms(sequelize, models),
    apiKeys: createApiKeys(sequelize),
    ping: () => sequelize.authenticate({ logging: false }),
    [Symbol.asyncDispose]: () => sequelize.close(),
  };
}
