// The people's tables over a pool of connections of their own, with the timeouts of every other pool.
import pg from 'pg';
import { Sequelize } from 'sequelize';
import { Connection, connectionConfig } from '../connection.ts';
import { createNodeGuard, type NodeGuard } from '../node-guard.ts';
import { ANSWER_LATE_MS, CONNECT_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from '../timeouts.ts';
import { createUnfinishedCommits } from '../unfinished-commits.ts';
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
  /** Shared with the pools on the same cluster; one of its own unless given. */
  readonly guard?: NodeGuard;
}

/** Creates the people's tables; connections are opened as they are needed. */
export function createPeople({
  url,
  maxConnections,
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
  guard = createNodeGuard(),
}: PeopleOptions): People {
  const answerWithinMs = statementTimeoutMs + ANSWER_LATE_MS;
  const config = connectionConfig({
    ...{ url, guard, commits: createUnfinishedCommits() },
    ...{ statementTimeoutMs, answerWithinMs },
  });
  class PeopleConnection extends Connection {
    constructor(bySequelize: pg.ClientConfig) {
      super({ ...bySequelize, ...config });
    }
  }
  const sequelize = new Sequelize(url, {
    dialect: 'postgres',
    logging: false,
    pool: { max: maxConnections, acquire: CONNECT_TIMEOUT_MS },
    dialectModule: { ...pg, Client: PeopleConnection },
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
