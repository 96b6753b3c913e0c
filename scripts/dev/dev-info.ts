// dev.json: the addresses and keys of a running `npm start`, for the scripts that call it.
import { readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { writeSecret } from './files.ts';
import { SetupError } from './program.ts';

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
  readonly adminOpsUrl: string;
  /** The password, with any name, of the board of queues at /queues of workerOpsUrl. */
  readonly opsKey: string;
  readonly envoyAdminUrl?: string;
  /** Logs in as the server does. */
  readonly databaseUrl: string;
  /** Logs in as ppuri_admin, which makes API keys. */
  readonly adminDatabaseUrl: string;
  readonly redisUrl: string;
  readonly keys: readonly DemoKey[];
  readonly users: readonly number[];
  readonly room: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEFAULT_DATA_DIR = 'var';

/** The data folder: DATA_DIR relative to the project's folder, or `var`. */
export function dataDirOf(env: NodeJS.ProcessEnv): string {
  return resolve(ROOT, env.DATA_DIR || DEFAULT_DATA_DIR);
}

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
  if (name === DEFAULT_DATA_DIR) return '';
  return `DATA_DIR=${shellWord(name)} `;
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'dev.json');
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

/** The first key of dev.json, or the one that PPURI_KEY_ID and PPURI_SECRET name. */
export function signingKeyIn(
  keys: readonly DemoKey[],
  env: NodeJS.ProcessEnv = process.env,
): SigningKey | undefined {
  if (env.PPURI_KEY_ID && env.PPURI_SECRET) return hmacKey(env.PPURI_KEY_ID, env.PPURI_SECRET);
  const [key] = keys;
  return key && hmacKey(key.keyId, key.secret);
}
