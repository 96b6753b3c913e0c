// What `npm start` tells: dev.json, with addresses and keys for the scripts that call it, and the text that it prints.
import { readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { styleText } from 'node:util';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { writeSecret } from '../dev/files.ts';
import { HOST, type Ports } from '../dev/ports.ts';
import { SetupError } from './program.ts';
import { DATA_DIR, type Signer } from './variables.ts';

/** The demo users. */
export const DEMO_USERS = [1001n, 1002n, 1003n, 1004n, 1005n] as const;
/** The demo room; every demo user is a member, the first one owns it. */
export const DEMO_ROOM = 'demo';

/** The demo API key. */
export interface DemoKey {
  readonly keyId: string;
  /** Text; its UTF-8 bytes are the HMAC key. */
  readonly secret: string;
  readonly scopes: readonly string[];
}

/** The content of dev.json; scripts rely on its names. */
export interface DevInfo {
  /** Undefined without Envoy, like the other addresses of the edge. */
  readonly restUrl?: string;
  /** gRPC and gRPC-Web through Envoy. */
  readonly grpcEdgeAddress?: string;
  /** The server, without the edge. */
  readonly grpcAddress: string;
  /** The server of admin.v1, which is not behind the edge. */
  readonly adminGrpcAddress: string;
  readonly opsUrl: string;
  readonly workerOpsUrl: string;
  /** The operator's page is at /operator of it. */
  readonly adminOpsUrl: string;
  /** The password, with any name, of the board of queues at /queues of workerOpsUrl. */
  readonly opsKey: string;
  readonly envoyAdminUrl?: string;
  /** Logs in as the server does. */
  readonly databaseUrl: string;
  readonly archiveDatabaseUrl?: string | undefined;
  /** Logs in as ppuri_admin, which makes API keys. */
  readonly adminDatabaseUrl: string;
  readonly redisUrl: string;
  /** The folder of the logs: app.log, transactions.log and so on. */
  readonly logDir: string;
  /** Where spans go, over OTLP; undefined where OTEL_EXPORTER_OTLP_ENDPOINT is empty. */
  readonly otlpEndpoint?: string;
  readonly keys: readonly DemoKey[];
  readonly users: readonly number[];
  readonly room: string;
}

const ROOT = resolve(import.meta.dirname, '../..');

/** The data folder as one types it. */
export function nameOfDataDir(dataDir: string): string {
  const inside = relative(ROOT, dataDir);
  return inside.startsWith('..') ? dataDir : inside || '.';
}

/** Quotes text as one word of a shell. */
export function shellWord(text: string): string {
  return /^[\w.,:/@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The prefix that makes a command use this data folder in any terminal. */
export function dataDirPrefix(dataDir: string): string {
  const name = nameOfDataDir(dataDir);
  if (name === DATA_DIR.fallback) return '';
  return `DATA_DIR=${shellWord(name)} `;
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'dev.json');
}

/** Held by the `npm start` that runs on a data folder. */
export function startLockOf(dataDir: string): string {
  return join(dataDir, 'run', 'start.lock');
}

/** Writes dev.json. */
export function writeDevInfo(dataDir: string, info: DevInfo): void {
  writeSecret(fileOf(dataDir), `${JSON.stringify(info, undefined, 2)}\n`);
}

/** Deletes dev.json. */
export function removeDevInfo(dataDir: string): void {
  rmSync(fileOf(dataDir), { force: true });
}

/** Reads dev.json. Throws a SetupError when nothing runs on the data folder. */
export function readDevInfo(dataDir: string): DevInfo {
  try {
    return JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as DevInfo;
  } catch {
    throw new SetupError(notRunning(dataDir));
  }
}

/** The message when nothing runs. */
export function notRunning(dataDir: string): string {
  return `nothing is running on the data folder ${nameOfDataDir(dataDir)}; start it with ${dataDirPrefix(dataDir)}npm start`;
}

/** The key that the environment names (`SIGNER_VARIABLES`), or the first one of dev.json. */
export function signingKeyIn(keys: readonly DemoKey[], signer?: Signer): SigningKey | undefined {
  if (signer?.keyId && signer.secret) return hmacKey(signer.keyId, signer.secret);
  const [key] = keys;
  return key && hmacKey(key.keyId, key.secret);
}

/** What the text mentions. */
export interface BannerInput {
  readonly ports: Ports;
  readonly dataDir: string;
  readonly tookMs: number;
  /** Why there is no Envoy; undefined when there is one. */
  readonly noEnvoy: string | undefined;
}

/** The text: addresses, three calls to paste, how to stop. */
export function bannerText({ ports, dataDir, tookMs, noEnvoy }: BannerInput): string {
  const folder = nameOfDataDir(dataDir);
  const edge: [string, string][] = [
    ['REST', `http://${HOST}:${ports.rest}`],
    ['gRPC, gRPC-Web', `${HOST}:${ports.grpcEdge} (through Envoy)`],
  ];
  const addresses: [string, string][] = [
    ['API reference', `http://${HOST}:${ports.docs}`],
    ...(noEnvoy === undefined ? edge : []),
    ['gRPC', `${HOST}:${ports.grpc} (the server itself)`],
    ['gRPC for ops', `${HOST}:${ports.adminGrpc} (admin.v1, for keys with the scope admin)`],
    [
      'Health',
      [ports.ops, ports.adminOps, ports.workerOps].map((port) => `http://${HOST}:${port}/readyz`).join(', ') +
        ' (server, server for ops, worker)',
    ],
    [
      'For operators',
      `http://${HOST}:${ports.adminOps}/operator (with a key of ${dataDirPrefix(dataDir)}npm run keys -- create --name me --scopes admin,read)`,
    ],
    [
      'Queues',
      `http://${HOST}:${ports.workerOps}/queues (the password is opsKey of dev.json, with any name)`,
    ],
    ...(noEnvoy === undefined
      ? [['Envoy statistics', `http://${HOST}:${ports.envoyAdmin}/stats/prometheus`] as [string, string]]
      : []),
    ['PostgreSQL, Redis', `${HOST}:${ports.postgres}, ${HOST}:${ports.redis}`],
    ['Data, logs', `${folder}, ${folder}/log; addresses and secrets in ${folder}/dev.json`],
  ];
  return [
    '',
    styleText('bold', `ppuri is ready after ${(tookMs / 1000).toFixed(1)} s`),
    '',
    ...addresses.map(([name, address]) => `  ${name.padEnd(18)} ${address}`),
    '',
    ...(noEnvoy === undefined ? [] : [styleText(['bold', 'yellow'], `  No REST: ${noEnvoy}`), '']),
    'Users 1001 to 1005 began with 100,000 won each; all are in room demo. In another terminal, in this folder, try:',
    '',
    ...calls(noEnvoy === undefined).flatMap(([what, command]) => [
      `  ${styleText('dim', `# ${what}`)}`,
      `  ${dataDirPrefix(dataDir)}${command}`,
      '',
    ]),
    'Ctrl-C stops everything; the data stays.',
    '',
  ].join('\n');
}

function calls(withRest: boolean): [what: string, command: string][] {
  const call = 'npm run call -- wallet.v1';
  const transfer: [string, string] = [
    'Send 500 won to user 1002, over gRPC',
    `${call}.WalletService/Transfer '{"to_user_id":"1002","amount":"500"}' --user 1001`,
  ];
  if (withRest) {
    return [
      ['How much user 1001 has, over REST', 'npm run curl -- /api/v1/wallet/balance --user 1001'],
      transfer,
      [
        'Sprinkle 10,000 won for 3 into the room, over REST',
        `npm run curl -- /api/v1/sprinkles -d '{"amount":10000,"headcount":3}' --user 1001 --room demo`,
      ],
    ];
  }
  return [
    ['How much user 1001 has', `${call}.WalletService/GetBalance '{}' --user 1001`],
    transfer,
    [
      'Sprinkle 10,000 won for 3 into the room',
      `${call}.SprinkleService/CreateSprinkle '{"amount":"10000","headcount":3}' --user 1001 --room demo`,
    ],
  ];
}
