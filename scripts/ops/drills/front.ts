// What stands before Postgres in every drill: a migrated ledger with the demo users, servers, the edge, and callers.
import { join } from 'node:path';
import { type Connection, connect } from '../../../clients/typescript/src/connection.ts';
import { hmacKey } from '../../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { loadKeyEncryptionKeys } from '../../cli/key-admin.ts';
import { loadDemoKey, seed } from '../../dev/demo.ts';
import { prepareEnvoy } from '../../dev/envoy.ts';
import { loadSecret } from '../../dev/files.ts';
import { HOST, type Ports } from '../../dev/ports.ts';

/** A ledger that servers can work with. */
export interface PreparedLedger {
  readonly keyEncryptionKeys: string;
  /** What a server needs to know of it. */
  readonly env: NodeJS.ProcessEnv;
  /** Signs the calls of all demo users. */
  readonly key: SigningKey;
}

/** Callers of a drill retry by themselves and see every answer; the pause between two connections is not measured. */
const ONE_ATTEMPT = { retry: false, 'grpc.max_reconnect_backoff_ms': 500 } as const;

/** Migrates an empty database and makes the demo users and a key. Secrets are kept in the folder. */
export async function prepareLedger(
  folder: string,
  ownerUrl: string,
  redisUrl: string,
): Promise<PreparedLedger> {
  const password = loadSecret(join(folder, 'postgres-app.secret'));
  await migrate({ ownerUrl, appPassword: password, workerPassword: password, adminPassword: password });
  const loginAs = (username: string) => Object.assign(new URL(ownerUrl), { username, password }).href;
  await seed(loginAs('ppuri_app'));
  const keyEncryptionKeys = loadKeyEncryptionKeys(folder);
  const adminDatabaseUrl = loginAs('ppuri_admin');
  const redis = { url: redisUrl };
  const { keyId, secret } = await loadDemoKey(folder, { adminDatabaseUrl, redis, keyEncryptionKeys });
  const env = {
    DATABASE_URL: loginAs('ppuri_app'),
    KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
    REDIS_URL: redisUrl,
  };
  return { keyEncryptionKeys, env, key: hmacKey(keyId, secret) };
}

/** What a server needs besides; its log is the folder `name` of `logDir`. */
export function serverEnv(
  { grpc, ops }: Pick<Ports, 'grpc' | 'ops'>,
  logDir: string,
  name = 'server',
): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    GRPC_HOST: HOST,
    GRPC_PORT: String(grpc),
    OPS_PORT: String(ops),
    LOG_DIR: join(logDir, name),
    LOG_STDOUT: 'none',
    STOP_DRAIN_MS: '0',
    KEY_RATE_PER_SECOND: '100000',
    USER_RATE_PER_SECOND: '100000',
    IP_RATE_PER_SECOND: '100000',
  };
}

interface CallerOptions {
  readonly folder: string;
  readonly logDir: string;
  readonly ports: Ports;
  /** The gRPC ports of all servers. */
  readonly serverPorts: readonly number[];
  readonly edgeSecret: string;
  readonly key: SigningKey;
  readonly log: (line: string) => void;
}

/** To each server, and to all of them through the edge, where Envoy can be had. */
export async function startCallers(
  stack: AsyncDisposableStack,
  options: CallerOptions,
): Promise<Connection[]> {
  const { folder, logDir, ports, serverPorts, edgeSecret, key, log } = options;
  const edge = await prepareEnvoy(
    {
      ...{ dataDir: folder, logDir, edgeSecret, serverPorts },
      ...{ restPort: ports.rest, grpcEdgePort: ports.grpcEdge, adminPort: ports.envoyAdmin },
      settings: { addressRatePerSecond: 100_000 },
    },
    log,
  );
  const addresses = serverPorts.map((port) => `${HOST}:${port}`);
  if ('reason' in edge) log(`without the edge: ${edge.reason}`);
  else {
    const envoy = await edge.start();
    stack.defer(() => envoy.stop());
    addresses.push(envoy.grpcAddress);
  }
  return addresses.map((address) =>
    stack.adopt(connect(address, key, ONE_ATTEMPT), (connection) => connection.close()),
  );
}
