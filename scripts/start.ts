// `npm start`: runs ppuri and everything that it needs on this machine until Ctrl-C, without any preparation.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EdgeTracing, tracingOf } from '../envoy/tracing.ts';
import { crashReport, reportCrashes } from '../src/runtime/crash.ts';
import { type ValuesOf, variableNames } from '../src/runtime/env.ts';
import { makePrivateFolder } from '../src/runtime/private-file.ts';
import { serveApiReference } from './api-reference/serve.ts';
import {
  bannerText,
  DEMO_ROOM,
  DEMO_USERS,
  nameOfDataDir,
  removeDevInfo,
  startLockOf,
  writeDevInfo,
} from './cli/dev-info.ts';
import { loadKeyEncryptionKeys } from './cli/key-admin.ts';
import { onStopSignal, readCommandLine, SetupError } from './cli/program.ts';
import { PORT_VARIABLES, readSettings, START_DEFAULTS, START_VARIABLES } from './cli/variables.ts';
import { loadDemoKey } from './dev/demo.ts';
import { type PreparedEnvoy, prepareEnvoy } from './dev/envoy.ts';
import { loadSecret, randomSecret, tryLock } from './dev/files.ts';
import { HOST, type Ports, portConflicts, requireFreePorts } from './dev/ports.ts';
import { startPostgres } from './dev/postgres.ts';
import { endCommands, killProcesses, stopStaleProcesses } from './dev/processes.ts';
import { type Runnable, type Supervised, startServer, startWorker, supervise } from './dev/programs.ts';
import { startRedis } from './dev/redis.ts';

/** How long stopping waits for a start that is under way, in milliseconds. */
const START_GRACE_MS = 5_000;

type ProcessName = 'postgres' | 'redis' | 'server' | 'admin' | 'worker' | 'envoy';

interface Installation {
  readonly dataDir: string;
  readonly logDir: string;
  readonly ports: Ports;
  readonly settings: ValuesOf<typeof START_VARIABLES>;
}

reportCrashes();
const startedAt = performance.now();
const supervised = new Map<ProcessName, Supervised<Runnable>>();
let stopping = false;
let unlock = () => {};

const log = (line: string) => {
  if (!stopping) console.log(line);
};

const starting = start().catch(async (error: unknown) => {
  if (stopping) return;
  console.error(error instanceof SetupError ? error.message : crashReport(error));
  await stop(1);
});
onStopSignal(
  () => {
    console.log('\nStopping …');
    void stop(0);
  },
  () => {
    for (const process of supervised.values()) process.kill();
  },
);

async function start(): Promise<void> {
  readCommandLine(
    `usage: npm start, without options; ports are set by ${variableNames(PORT_VARIABLES).join(', ')}, the data folder by DATA_DIR; docs/configuration.md lists all variables`,
    {},
  );
  const settings = readSettings(START_VARIABLES, ({ ports }) => portConflicts(ports));
  const { ports, dataDir } = settings;
  const logDir = join(dataDir, 'log');
  makePrivateFolder(logDir);
  const lock = tryLock(startLockOf(dataDir));
  if ('heldBy' in lock) {
    throw new SetupError(
      `npm start runs on the data folder ${nameOfDataDir(dataDir)} already (pid ${lock.heldBy}); ` +
        'stop it, or set DATA_DIR to another folder',
    );
  }
  removeDevInfo(dataDir);
  unlock = () => {
    removeDevInfo(dataDir);
    lock.unlock();
  };
  await stopStaleProcesses(dataDir, log);
  await requireFreePorts(ports);
  await startAll({ dataDir, logDir, ports, settings });
}

async function startAll(installation: Installation): Promise<void> {
  const { dataDir, logDir, ports, settings } = installation;
  log('Starting PostgreSQL, Redis, the server, the worker and Envoy …');
  const edgeSecret = randomSecret();
  const tracing = tracingOf({ ...START_DEFAULTS, ...process.env });
  const [databases, redisUrl, envoy] = await whenAllSettled([
    startDatabase(installation),
    startQueue(installation),
    prepareEdge(installation, edgeSecret, tracing),
  ]);
  const keyEncryptionKeys = settings.keyEncryptionKeys ?? loadKeyEncryptionKeys(dataDir);
  const databaseUrl = databases.server.DATABASE_URL;
  const adminDatabaseUrl = databases.admin.ADMIN_DATABASE_URL;
  const redis = { url: redisUrl };
  const demoKey = await loadDemoKey(dataDir, { adminDatabaseUrl, redis, keyEncryptionKeys });
  const output = heldOutput();
  const env = {
    ...serverEnv(installation, redisUrl, edgeSecret),
    ...databases.server,
    KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
  };
  const opsKey = settings.opsKey ?? loadSecret(join(dataDir, 'ops-key.secret'));
  await startPrograms(installation, {
    server: { ...env, LOG_DIR: join(logDir, 'server') },
    // Serves admin.v1 and is not behind Envoy, whose server therefore cannot create keys if it is taken over.
    admin: {
      ...env,
      ...databases.admin,
      GRPC_PORT: String(ports.adminGrpc),
      OPS_PORT: String(ports.adminOps),
      LOG_DIR: join(logDir, 'admin'),
    },
    worker: {
      ...env,
      ...databases.worker,
      OPS_KEY: opsKey,
      OPS_PORT: String(ports.workerOps),
      LOG_DIR: join(logDir, 'worker'),
    },
    onOutput: output.write,
  });
  await serveApiReference(ports.docs);
  const noEnvoy = 'reason' in envoy ? envoy.reason : await startEdge(envoy);
  if (stopping) return;
  writeDevInfo(dataDir, {
    ...(noEnvoy === undefined && {
      restUrl: `http://${HOST}:${ports.rest}`,
      grpcEdgeAddress: `${HOST}:${ports.grpcEdge}`,
      envoyAdminUrl: `http://${HOST}:${ports.envoyAdmin}`,
    }),
    grpcAddress: `${HOST}:${ports.grpc}`,
    adminGrpcAddress: `${HOST}:${ports.adminGrpc}`,
    opsUrl: `http://${HOST}:${ports.ops}`,
    workerOpsUrl: `http://${HOST}:${ports.workerOps}`,
    adminOpsUrl: `http://${HOST}:${ports.adminOps}`,
    opsKey,
    databaseUrl,
    archiveDatabaseUrl: databases.server.ARCHIVE_DATABASE_URL,
    adminDatabaseUrl,
    redisUrl,
    logDir,
    ...(tracing && { otlpEndpoint: tracing.endpoint }),
    keys: [demoKey],
    users: DEMO_USERS.map(Number),
    room: DEMO_ROOM,
  });
  log(bannerText({ ports, dataDir, tookMs: performance.now() - startedAt, noEnvoy }));
  output.open();
}

function prepareEdge(
  { dataDir, logDir, ports, settings: { addressRatePerSecond } }: Installation,
  edgeSecret: string,
  tracing: EdgeTracing | undefined,
) {
  const edgePorts = { restPort: ports.rest, grpcEdgePort: ports.grpcEdge, adminPort: ports.envoyAdmin };
  const settings = { addressRatePerSecond, ...(tracing && { tracing }) };
  return prepareEnvoy(
    { dataDir, logDir, ...edgePorts, serverPorts: [ports.grpc], edgeSecret, settings },
    log,
  );
}

/** Starts the server, the server for ops and the worker, each in its environment. */
async function startPrograms(
  { dataDir }: Installation,
  {
    server,
    admin,
    worker,
    onOutput,
  }: Record<'server' | 'admin' | 'worker', NodeJS.ProcessEnv> & { onOutput: (chunk: Buffer) => void },
): Promise<void> {
  await whenAllSettled([
    startSupervised('server', 'The server', () => startServer({ dataDir, env: server, onOutput })),
    startSupervised('admin', 'The server for ops', () =>
      startServer({ dataDir, env: admin, onOutput, name: 'admin' }),
    ),
    startSupervised('worker', 'The worker', () => startWorker({ dataDir, env: worker, onOutput })),
  ]);
}

/** Starts Postgres, migrates it and seeds the demo users; returns the logins of the servers and the worker. */
async function startDatabase({ dataDir, logDir, ports }: Installation) {
  const [{ first: postgres }, { migrate }, { shareArchiveSecret }, { seed }] = await Promise.all([
    startSupervised('postgres', 'PostgreSQL', () => startPostgres({ dataDir, logDir, port: ports.postgres })),
    // Loaded in parallel, because that takes about as long as Postgres.
    import('../src/db/migrate.ts'),
    import('../src/db/archive/index.ts'),
    import('./dev/demo.ts'),
  ]);
  const ownerUrl = await postgres.createDatabase('ppuri');
  const appPassword = loadSecret(join(dataDir, 'postgres-app.secret'));
  const workerPassword = loadSecret(join(dataDir, 'postgres-worker.secret'));
  const adminPassword = loadSecret(join(dataDir, 'postgres-admin.secret'));
  const passwords = { appPassword, workerPassword, adminPassword };
  const archiveOwnerUrl = await postgres.createDatabase('ppuri_archive');
  await migrate({ ownerUrl, ...passwords });
  await migrate({ ownerUrl: archiveOwnerUrl, ...passwords, schema: 'archive' });
  await shareArchiveSecret(ownerUrl, archiveOwnerUrl);
  const loginAs = (username: string, password: string, url = ownerUrl) =>
    Object.assign(new URL(url), { username, password }).href;
  const databaseUrl = loginAs('ppuri_app', appPassword);
  await seed(databaseUrl);
  return {
    server: {
      DATABASE_URL: databaseUrl,
      ARCHIVE_DATABASE_URL: loginAs('ppuri_app', appPassword, archiveOwnerUrl),
    },
    admin: { ADMIN_DATABASE_URL: loginAs('ppuri_admin', adminPassword) },
    worker: {
      DATABASE_URL: loginAs('ppuri_worker', workerPassword),
      ARCHIVE_DATABASE_URL: loginAs('ppuri_worker', workerPassword, archiveOwnerUrl),
    },
  };
}

async function startQueue({ dataDir, logDir, ports }: Installation): Promise<string> {
  const { first } = await startSupervised('redis', 'Redis', () =>
    startRedis({ dataDir, logDir, port: ports.redis, log }),
  );
  return first.url;
}

async function startEdge(envoy: PreparedEnvoy): Promise<undefined> {
  await startSupervised('envoy', 'Envoy', () => envoy.start());
}

function serverEnv({ ports }: Installation, redisUrl: string, edgeSecret: string): NodeJS.ProcessEnv {
  return {
    ...START_DEFAULTS,
    ...process.env,
    NODE_ENV: 'development',
    ADMIN_DATABASE_URL: '',
    REDIS_URL: redisUrl,
    GRPC_HOST: HOST,
    GRPC_PORT: String(ports.grpc),
    OPS_HOST: HOST,
    OPS_PORT: String(ports.ops),
    EDGE_SECRET: edgeSecret,
  };
}

/** Starts a program under supervision and remembers it for stop(). */
async function startSupervised<T extends Runnable>(
  key: ProcessName,
  name: string,
  begin: () => Promise<T>,
): Promise<Supervised<T>> {
  if (stopping) throw new SetupError('stopping');
  const running = await supervise(name, begin, log);
  supervised.set(key, running);
  return running;
}

/** Like Promise.all, but rejects only when all have ended, so that everything that started can be stopped. */
async function whenAllSettled<T extends readonly Promise<unknown>[]>(
  works: readonly [...T],
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  for (const work of works) work.catch(endCommands);
  await Promise.allSettled(works);
  return Promise.all(works);
}

/** Holds back the output of the servers until the banner is printed. */
function heldOutput() {
  const held: Buffer[] = [];
  let isOpen = false;
  return {
    write: (chunk: Buffer) => {
      if (isOpen) process.stdout.write(chunk);
      else held.push(chunk);
    },
    open: () => {
      isOpen = true;
      for (const chunk of held) process.stdout.write(chunk);
    },
  };
}

/** Stops callers before those that they call. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  endCommands();
  if (exitCode === 0) await Promise.race([starting, sleep(START_GRACE_MS)]);
  for (const key of ['envoy', 'server', 'admin', 'worker', 'redis', 'postgres'] as const)
    await supervised.get(key)?.stop();
  killProcesses();
  unlock();
  process.exit(exitCode);
}
