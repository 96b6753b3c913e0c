// One node: Patroni and the Postgres that it manages, with what can happen to them.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { SetupError } from '../../../cli/program.ts';
import { HOST } from '../../../dev/ports.ts';
import { changeOwner, findUnprivileged } from '../../../dev/postgres.ts';
import { identityOf, type ManagedProcess, pidFileOf, startProcess } from '../../../dev/processes.ts';
import { endsWithParent } from '../part.ts';
import { deployedEnv, type NodeAddress } from './deployed.ts';
import type { Etcd, EtcdTls } from './etcd.ts';
import { send, signalTree } from './process-tree.ts';
import type { PatroniPrograms } from './programs.ts';

/** A node of the cluster. */
export interface PatroniNode extends NodeAddress {
  /** `n1`, as patronictl knows it. */
  readonly name: string;
  /** Logs in as the superuser, to the database `postgres` of this node. */
  readonly url: string;
  readonly dataFolder: string;
  /** The log of Patroni and of Postgres. */
  readonly logFile: string;
  /** Undefined when it does not run. */
  readonly patroniPid: number | undefined;
  /** Undefined when it does not run. */
  readonly postmasterPid: number | undefined;
}

/** What a node is started with. */
export interface NodeOptions extends NodeAddress {
  readonly name: string;
  /** For its configuration, its log and its data. */
  readonly folder: string;
  /** The parent of its data folder. */
  readonly disk: string;
  readonly programs: PatroniPrograms;
  readonly binFolder: string;
  readonly etcd: Pick<Etcd, 'addresses' | 'tls'>;
  readonly passwords: NodePasswords;
  /** Overrides the deployed configuration. */
  readonly local: object;
  /** Words before its command. */
  readonly prefix: readonly string[];
}

/** The passwords of its logins. */
export interface NodePasswords {
  readonly superuser: string;
  readonly replication: string;
  readonly rewind: string;
  readonly rest: string;
}

function tlsVariables({ caFile, certFile, keyFile }: EtcdTls): Record<string, string | undefined> {
  return deployedEnv('patroni-etcd-tls.env', {
    PATRONI_ETCD3_CACERT: caFile,
    PATRONI_ETCD3_CERT: certFile,
    PATRONI_ETCD3_KEY: keyFile,
  });
}

const REST_TIMEOUT_MS = 1_000;
const DATABASE_TIMEOUT_MS = 3_000;

/** A node that the cluster can start and damage. */
export class ManagedNode implements PatroniNode {
  readonly #options: NodeOptions;
  #patroni: ManagedProcess | undefined;
  readonly url: string;
  readonly dataFolder: string;
  readonly logFile: string;
  readonly configFolder: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { name, host, postgresPort, restPort, folder, passwords, programs } = options;
    this.url = `postgres://postgres:${passwords.superuser}@${host}:${postgresPort}/postgres`;
    this.dataFolder = join(options.disk, 'data');
    this.logFile = join(folder, 'patroni.log');
    this.configFolder = join(folder, 'config');
    const variables = deployedEnv('patroni.env', {
      PATRONI_NAME: name,
      PATRONI_RESTAPI_CONNECT_ADDRESS: `${host}:${restPort}`,
      PATRONI_POSTGRESQL_CONNECT_ADDRESS: `${host}:${postgresPort}`,
      PATRONI_POSTGRESQL_DATA_DIR: this.dataFolder,
      PATRONI_POSTGRESQL_BIN_DIR: options.binFolder,
      PATRONI_ETCD3_HOSTS: options.etcd.addresses.join(','),
      PATRONI_SUPERUSER_PASSWORD: passwords.superuser,
      PATRONI_REPLICATION_PASSWORD: passwords.replication,
      PATRONI_REWIND_PASSWORD: passwords.rewind,
      PATRONI_RESTAPI_PASSWORD: passwords.rest,
    });
    this.env = {
      ...{ PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8', PYTHONPATH: programs.pythonPath },
      ...variables,
      ...(options.etcd.tls && tlsVariables(options.etcd.tls)),
    };
    mkdirSync(this.configFolder, { recursive: true });
    // Patroni reads all files of the folder by name; later ones override earlier ones.
    cpSync(new URL('../../../../deploy/ha/patroni.yml', import.meta.url), join(this.configFolder, '1.yml'));
    writeFileSync(join(this.configFolder, '2.yml'), JSON.stringify(this.#local()));
  }

  /** JSON is YAML. */
  #local(): object {
    const { host, postgresPort, restPort, folder, local } = this.#options;
    return {
      restapi: { listen: `${host}:${restPort}` },
      // A test must not restart the machine.
      watchdog: { mode: 'off' },
      ...local,
      postgresql: {
        // Backups come from the node itself.
        listen: `${[...new Set([host, HOST])].join()}:${postgresPort}`,
        pgpass: join(folder, 'pgpass'),
        ...('postgresql' in local ? (local.postgresql as object) : {}),
      },
    };
  }

  get name(): string {
    return this.#options.name;
  }
  get host(): string {
    return this.#options.host;
  }
  get postgresPort(): number {
    return this.#options.postgresPort;
  }
  get restPort(): number {
    return this.#options.restPort;
  }

  /** Words before a command that run it on this node. */
  get prefix(): readonly string[] {
    return this.#options.prefix;
  }

  get patroniPid(): number | undefined {
    return this.#patroni?.isRunning() ? this.#patroni.pid : undefined;
  }

  get postmasterPid(): number | undefined {
    try {
      const pid = Number.parseInt(readFileSync(join(this.dataFolder, 'postmaster.pid'), 'utf8'), 10);
      return identityOf(pid) === undefined ? undefined : pid;
    } catch {
      return undefined;
    }
  }

  /** Starts Patroni, which starts Postgres as soon as it knows as what. */
  async start(): Promise<void> {
    if (this.patroniPid !== undefined) throw new SetupError(`${this.name} runs already`);
    const { folder, prefix, programs } = this.#options;
    const how = findUnprivileged();
    if (how.user) changeOwner(how, folder, programs.patroni[0] ?? '');
    const [command = '', ...args] = [
      ...[...prefix, ...how.prefix, ...(await endsWithParent())],
      ...[...programs.patroni, this.configFolder],
    ];
    this.#patroni = await startProcess({
      name: `Patroni ${this.name}`,
      command,
      args,
      cwd: '/',
      env: this.env,
      ...(how.user && { user: how.user }),
      output: { file: this.logFile },
      pidFile: pidFileOf(folder, 'patroni'),
    });
  }

  killPostmaster(): void {
    if (this.postmasterPid !== undefined) send(this.postmasterPid, 'SIGKILL');
  }

  /** Everything of it at once, as when a machine loses its power. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#patroni?.ended;
  }

  signal(name: NodeJS.Signals): void {
    const roots = [this.patroniPid, this.postmasterPid].filter((pid) => pid !== undefined);
    signalTree(roots, name);
  }

  /** The status of its REST API for a path, 0 when it does not answer. */
  async status(path: string): Promise<number> {
    try {
      const url = `http://${this.host}:${this.restPort}${path}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(REST_TIMEOUT_MS) });
      await answer.body?.cancel();
      return answer.status;
    } catch {
      return 0;
    }
  }

  /** The first row of a query, as the superuser; undefined when it does not answer. */
  async ask<Row extends pg.QueryResultRow>(sql: string): Promise<Row | undefined> {
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: DATABASE_TIMEOUT_MS,
      query_timeout: DATABASE_TIMEOUT_MS,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query<Row>(sql)).rows[0];
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
