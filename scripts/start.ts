// `npm start`: runs ppuri and everything that it needs on this machine until Ctrl-C, without any preparation.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crashReport, reportCrashes } from '../src/runtime/crash.ts';
import { makePrivateFolder } from '../src/runtime/private-file.ts';
import { bannerText } from './dev/banner.ts';
import { loadDemoKey } from './dev/demo.ts';
import { dataDirOf, nameOfDataDir, removeDevInfo, writeDevInfo } from './dev/dev-info.ts';
import { type PreparedEnvoy, prepareEnvoy } from './dev/envoy.ts';
import { loadSecret, randomSecret, tryLock } from './dev/files.ts';
import { loadKeyEncryptionKeys } from './dev/key-admin.ts';
import { HOST, type Ports, readPorts, requireFreePorts } from './dev/ports.ts';
import { startPostgres } from './dev/postgres.ts';
import { endCommands, killProcesses, stopStaleProcesses } from './dev/processes.ts';
import { onStopSignal, readCommandLine, SetupError } from './dev/program.ts';
import { startRedis } from './dev/redis.ts';
import { startServer, startWorker } from './dev/server.ts';
import { type Runnable, type Supervised, supervise } from './dev/supervise.ts';

/** How long stopping waits for a start that is under way, in milliseconds. */
const START_GRACE_MS = 5_000;

type ProcessName = 'postgres' | 'redis' | 'server' | 'admin' | 'worker' | 'envoy';

interface Installation {
  readonly dataDir: string;
  readonly logDir: string;
  readonly ports: Ports;
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
    'usage: npm start, without options; ports are set by REST_PORT, GRPC_PORT, GRPC_EDGE_PORT, ADMIN_GRPC_PORT, OPS_PORT, ' +
      'WORKER_OPS_PORT, ADMIN_OPS_PORT, ENVOY_ADMIN_PORT, POSTGRES_PORT and REDIS_PORT, the data folder by DATA_DIR',
    {},
  );
  const ports = readPorts(process.env);
  const dataDir = dataDirOf(process.env);
  const logDir = join(dataDir, 'log');
  makePrivateFolder(logDir);
  const lock = tryLock(join(dataDir, 'run', 'start.lock'));
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
  await startAll({ dataDir, logDir, ports });
}

async function startAll(installation: Installation): Promise<void> {
  const { dataDir, logDir, ports } = installation;
  log('Starting PostgreSQL, Redis, the server, the worker and Envoy …');
  const edgeSecret = randomSecret();
  const edge = { restPort: ports.rest, grpcEdgePort: ports.grpcEdge, adminPort: ports.envoyAdmin };
  const [databases, redisUrl, envoy] = await whenAllSettled([
    startDatabase(installation),
    startQueue(installation),
    prepareEnvoy({ dataDir, logDir, ...edge, serverPorts: [ports.grpc], edgeSecret }, log),
  ]);
  const keyEncryptionKeys = process.env.KEY_ENCRYPTION_KEYS || loadKeyEncryptionKeys(dataDir);
  const databaseUrl = databases.server.DATABASE_URL;
  const adminDatabaseUrl = databases.admin.ADMIN_DATABASE_URL;
  const demoKey = await loadDemoKey(dataDir, { adminDatabaseUrl, redisUrl, keyEncryptionKeys });
  const output = heldOutput();
  const env = {
    ...serverEnv(installation, redisUrl, edgeSecret),
    ...databases.server,
    KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
  };
  const opsKey = process.env.OPS_KEY || loadSecret(join(dataDir, 'ops-key.secret'));
  await startPrograms(installation, {
    server: env,
    // Serves admin.v1 and is not behind Envoy, whose server therefore cannot create keys if it is taken over.
    admin: {
      ...env,
      ...databases.admin,
      GRPC_PORT: String(ports.adminGrpc),
      OPS_PORT: String(ports.adminOps),
    },
    worker: { ...env, ...databases.worker, OPS_KEY: opsKey, OPS_PORT: String(ports.workerOps) },
    onOutput: output.write,
  });
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
    adminDatabaseUrl,
    redisUrl,
    keys: [demoKey],
    users: [1001, 1002, 1003, 1004, 1005],
    room: 'demo',
  });
  log(bannerText({ ports, dataDir, tookMs: performance.now() - startedAt, noEnvoy }));
  output.open();
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
    import('../src/db/archive/secret.ts'),
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

function serverEnv({ logDir, ports }: Installation, redisUrl: string, edgeSecret: string): NodeJS.ProcessEnv {
  return {
    // There is no other server, and the edge has stopped by then.
    STOP_DRAIN_MS: '0',
    // Ctrl-C takes ten seconds at most; calls take milliseconds.
    STOP_GRACE_MS: '5000',
    // Useful in development; off by default.
    GRPC_REFLECTION: 'true',
    // The transfers of a payout would flood the terminal; they are in the file.
    LOG_STDOUT: 'app',
    ...process.env,
    NODE_ENV: 'development',
    ADMIN_DATABASE_URL: '',
    REDIS_URL: redisUrl,
    GRPC_HOST: HOST,
    GRPC_PORT: String(ports.grpc),
    OPS_HOST: HOST,
    OPS_PORT: String(ports.ops),
    LOG_DIR: logDir,
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
