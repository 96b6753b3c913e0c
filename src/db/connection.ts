// A connection to Postgres, as all pools and programs open it: it gives up by itself, and leads to a node that may be used.
import type { Socket } from 'node:net';
import pg from 'pg';
import { ANY_NODE, type NodeGuard } from './node-guard.ts';
import {
  CONNECT_TIMEOUT_MS,
  IDLE_IN_TRANSACTION_MS,
  KEEPALIVE_DELAY_MS,
  SERVER_SILENCE_MS,
} from './timeouts.ts';
import type { UnfinishedCommits } from './unfinished-commits.ts';
import { PostgresAwayError } from './unreachable.ts';

/** How to connect. Times are in milliseconds. */
export interface ConnectionOptions {
  readonly url: string;
  readonly guard: NodeGuard;
  /** Shared by the connections of a pool. */
  readonly commits?: UnfinishedCommits;
  /** What sessions are called in pg_stat_activity. */
  readonly applicationName?: string;
  /** A statement that runs longer is ended by Postgres; without it none is. */
  readonly statementTimeoutMs?: number;
  /** The connection is closed when a response takes longer. */
  readonly answerWithinMs: number;
  /** The connection is closed when it is not open, and its node not admitted, by then; CONNECT_TIMEOUT_MS unless given. */
  readonly connectWithinMs?: number;
  /** After this long without a statement Postgres ends a session that is in a transaction. */
  readonly idleInTransactionMs?: number;
  /** Settings of Postgres for the session, besides those that all have. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/**
 * What our statements mean must not depend on how a database or a login is set up: where days begin, how moments and spans
 * are written, where names are searched, what a transaction sees, and whether a warning is heard. Postgres, too, gives up a
 * client whose machine is gone: libuv probes from here, and these let it probe and resend from there.
 */
const SESSION_SETTINGS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  search_path: 'public',
  default_transaction_isolation: 'read committed',
  client_min_messages: 'warning',
  tcp_keepalives_idle: String(KEEPALIVE_DELAY_MS / 1000),
  tcp_keepalives_interval: '1',
  tcp_keepalives_count: String(SERVER_SILENCE_MS / 1000),
  tcp_user_timeout: String(SERVER_SILENCE_MS),
} as const;

/** The settings of a session for libpq's `options`, which come before those of the database and the login. */
export function startupOptions(settings: Readonly<Record<string, string>> = {}): string {
  return Object.entries({ ...SESSION_SETTINGS, ...settings })
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ');
}

/** What a `Connection` is made with. */
export interface ConnectionConfig extends pg.ClientConfig {
  readonly guard?: NodeGuard;
  readonly commits?: UnfinishedCommits | undefined;
}

/** The configuration of connections with these options, for a pool or for one alone. */
export function connectionConfig(options: ConnectionOptions): ConnectionConfig {
  const { url, guard, commits, applicationName = 'ppuri', statementTimeoutMs, answerWithinMs } = options;
  return {
    connectionString: url,
    ...{ guard, commits },
    application_name: applicationName,
    connectionTimeoutMillis: options.connectWithinMs ?? CONNECT_TIMEOUT_MS,
    // Statements are sent without waiting for the response to the one before. Only with it the driver closes the connection
    // when a response does not come in time: it cannot be used any more, whatever arrives over it.
    pipeline: true,
    query_timeout: answerWithinMs,
    ...(statementTimeoutMs !== undefined && { statement_timeout: statementTimeoutMs }),
    // A server that hangs in the middle of a transaction must not hold its locks for good.
    idle_in_transaction_session_timeout: options.idleInTransactionMs ?? IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    options: startupOptions(options.settings),
  };
}

/** Where Postgres says that it has ended the wait for a synchronous standby: the C function, which no language changes. */
const WAIT_WAS_ENDED = 'SyncRepWaitForLSN';

type Inner = {
  /** The session's process in Postgres; null before it is known. */
  readonly processID: number | null;
  /** False while a response is awaited. */
  readonly readyForQuery?: boolean;
  readonly connection: {
    readonly stream: Pick<Socket, 'destroy' | 'cork' | 'uncork'>;
    emit(name: 'error', error: Error): void;
  };
};

/** Sends the statements that `send` makes in one write to the socket, where the driver has one for each of them. */
export function inOneWrite<T>(client: pg.ClientBase, send: () => T): T {
  const { stream } = (client as unknown as Inner).connection;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

/** A client of the driver whose node is checked before anything else is asked. */
export class Connection extends pg.Client {
  readonly #guard: NodeGuard;
  readonly #commits: UnfinishedCommits | undefined;
  readonly #connectWithinMs: number;

  constructor(config: ConnectionConfig = {}) {
    super(config);
    this.#guard = config.guard ?? ANY_NODE;
    this.#commits = config.commits;
    this.#connectWithinMs = config.connectionTimeoutMillis ?? CONNECT_TIMEOUT_MS;
    // It may be lost while somebody holds it and waits for something else. Their next statement fails then; without a
    // listener the whole process would.
    this.on('error', () => {});
    this.once('end', () => {
      const { processID, readyForQuery } = this as unknown as Inner;
      if (processID !== null && readyForQuery === false) this.#commits?.add(processID);
    });
    this.on('notice', ({ routine }) => {
      // A COMMIT whose wait for the synchronous standby somebody ended (pg_cancel_backend) is reported as done, with a warning:
      // it is on this node alone, and a failover would lose it. So its caller is told that nobody knows.
      if (routine === WAIT_WAS_ENDED) this.destroy('a commit was not confirmed by the synchronous standby');
    });
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error | null) => void): void;
  override connect(callback?: (error: Error | null) => void): Promise<pg.Client> | undefined {
    const connected = this.#open();
    // The driver's own limit ends before the check begins, and a query may take much longer.
    const timer = setTimeout(
      () => this.destroy(`it was not open within ${this.#connectWithinMs} ms`),
      this.#connectWithinMs,
    );
    const admitted = connected
      .finally(() => clearTimeout(timer))
      .catch((error: unknown) => {
        void this.end().catch(() => {});
        this.#inner.stream.destroy();
        throw error;
      });
    if (!callback) return admitted.then(() => this);
    admitted.then(
      () => callback(null),
      (error: Error) => callback(error),
    );
    return undefined;
  }

  async #open(): Promise<void> {
    this.#commits?.check();
    await super.connect();
    await this.#guard.admit(this);
    await this.#commits?.admit(this);
  }

  /**
   * Closes it at once; its statements fail with what is said. A pool learns of a closed socket only after the next statement may
   * have got it, and of an error now.
   */
  destroy(why: string): void {
    this.#inner.emit('error', new PostgresAwayError(why));
    this.#inner.stream.destroy();
  }

  get #inner(): Inner['connection'] {
    return (this as unknown as Inner).connection;
  }
}
