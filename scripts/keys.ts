// `npm run keys -- create …`: creates, lists, rotates and revokes API keys in the database, including the first one.

import type { Pool } from '../src/db/pool.ts';
import { createSealedSeeds } from '../src/db/sealed-seeds.ts';
import { keyStateOf, SCOPES, type Scope } from '../src/domain/api-key.ts';
import { Refusal } from '../src/domain/refusal.ts';
import { reportCrashes } from '../src/runtime/crash.ts';
import {
  createApiKey,
  type KeyAdmin,
  listApiKeys,
  resealSecrets,
  revokeApiKey,
  rotateApiKey,
  setAllowedNetworks,
} from '../src/usecases/index.ts';
import { readDevInfo } from './cli/dev-info.ts';
import { type KeyAdminConfig, loadKeyEncryptionKeys, withKeyAdmin } from './cli/key-admin.ts';
import { retireLogKey, rotateLogKey, showLogKeys } from './cli/log-keys.ts';
import { readCommandLine, SetupError } from './cli/program.ts';
import { checkKeys, KEYS_VARIABLES, readSettings } from './cli/variables.ts';

reportCrashes();
const USAGE = `usage: npm run keys -- COMMAND
  create --name NAME --scopes read,pay,fund,events,admin [--user ID] [--networks CIDR,…] [--rate N] [--public-key PEM]
    [--expires 90d|2027-01-31|never]                       365d where it is left out
  list
  rotate KEY_ID [--overlap-hours N] [--public-key PEM]    the old key stays usable for the overlap (24 hours)
  revoke KEY_ID                                           at once and for good
  networks KEY_ID [CIDR,…]                                none means anywhere
  log-keys                                                the public keys of the transparency log
  rotate-log-key                                          adds one, which signs beside the old one
  retire-log-key KEY_ID                                   ends the old one, once those who verify have the new one
  reseal                                                  after a new key-encryption key was put first
The database is ADMIN_DATABASE_URL (a login as ppuri_admin), with REDIS_URL and KEY_ENCRYPTION_KEYS, or that of a running npm start.`;

const OPTIONS = {
  name: { type: 'string' },
  scopes: { type: 'string' },
  user: { type: 'string' },
  networks: { type: 'string', default: '' },
  rate: { type: 'string' },
  expires: { type: 'string' },
  'public-key': { type: 'string', default: '' },
  'overlap-hours': { type: 'string', default: '24' },
} as const;
type CommandLine = ReturnType<typeof readCommandLine<typeof OPTIONS>>;

type Command = (admin: KeyAdmin, commandLine: CommandLine, pool: Pool) => Promise<unknown>;
const COMMANDS: Record<string, Command> = {
  create: (admin, { values }) =>
    createApiKey(
      admin,
      {
        displayName: values.name ?? fail('--name is required'),
        kind: values['public-key'] ? 'ed25519' : 'hmac-sha256',
        publicKey: values['public-key'],
        scopes: splitList(values.scopes ?? fail('--scopes is required')).map(parseScope),
        userId: values.user === undefined ? undefined : BigInt(parseInteger('--user', values.user)),
        allowedNetworks: splitList(values.networks),
        ratePerSecond: values.rate === undefined ? undefined : Number(parseInteger('--rate', values.rate)),
        activeFrom: undefined,
        expiresAt: values.expires === undefined ? undefined : parseExpiry(values.expires, admin.now()),
      },
      undefined,
    ),
  list: async (admin) =>
    (await listApiKeys(admin)).map((key) => ({
      keyId: key.id,
      name: key.displayName,
      kind: key.kind,
      state: keyStateOf(key, admin.now()),
      scopes: key.scopes.join(','),
      user: key.userId ?? 'any',
      networks: key.allowedNetworks.join(',') || 'any',
      expires: key.expiresAt === undefined ? 'never' : new Date(key.expiresAt / 1000).toISOString(),
      uses: key.useCount,
    })),
  rotate: (admin, { values, positionals }) =>
    rotateApiKey(
      admin,
      keyIdOf(positionals),
      values['public-key'],
      Number(parseInteger('--overlap-hours', values['overlap-hours'])) * 3_600_000,
      undefined,
    ),
  revoke: (admin, { positionals }) => revokeApiKey(admin, keyIdOf(positionals)),
  networks: (admin, { positionals }) =>
    setAllowedNetworks(admin, keyIdOf(positionals), splitList(positionals[2] ?? ''), undefined),
  'log-keys': (_admin, _commandLine, pool) => showLogKeys(pool),
  'rotate-log-key': ({ sealingKeys }, _commandLine, pool) => rotateLogKey(pool, sealingKeys),
  'retire-log-key': (_admin, { positionals }, pool) => retireLogKey(pool, keyIdOf(positionals)),
  reseal: async (admin, _commandLine, pool) => ({
    resealed: await resealSecrets(admin, createSealedSeeds(pool)),
  }),
};

try {
  const commandLine = readCommandLine(USAGE, OPTIONS);
  const { positionals } = commandLine;
  const [command = ''] = positionals;
  const run = COMMANDS[command] ?? fail(USAGE);
  const act = { command: `keys ${command}`, keyId: keyIdOf(positionals) };
  const result = await withKeyAdmin(readConfig(), act, (admin, pool) => run(admin, commandLine, pool));
  if (Array.isArray(result)) console.table(result);
  else
    console.log(
      JSON.stringify(result, (_key, value) => (typeof value === 'bigint' ? value.toString() : value), 2),
    );
} catch (error) {
  if (!(error instanceof SetupError || error instanceof Refusal)) throw error;
  const fields =
    error instanceof Refusal
      ? error.violations.map(({ field, description }) => `\n  ${field}: ${description.en}`)
      : [];
  console.error(error.message + fields.join(''));
  process.exitCode = 1;
}

/** Empty for commands that are about no key, or where it was forgotten: then there is no such key. */
function keyIdOf([, keyId = '']: readonly string[]): string {
  return keyId;
}

/** Where the keys are: the database of the environment, or that of a running `npm start`. */
function readConfig(): KeyAdminConfig {
  const { adminDatabaseUrl, redis, keyEncryptionKeys, dataDir } = readSettings(KEYS_VARIABLES, checkKeys);
  const { url } = redis;
  if (adminDatabaseUrl && url && keyEncryptionKeys)
    return { adminDatabaseUrl, redis: { ...redis, url }, keyEncryptionKeys };
  const info = readDevInfo(dataDir);
  return {
    adminDatabaseUrl: info.adminDatabaseUrl,
    redis: { url: info.redisUrl },
    keyEncryptionKeys: keyEncryptionKeys ?? loadKeyEncryptionKeys(dataDir),
  };
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `90d`, a day (its beginning, in UTC) or `never`, as microseconds since 1970. */
function parseExpiry(text: string, now: number): number | 'never' {
  if (text === 'never') return 'never';
  const days = /^([1-9]\d{0,4})d$/.exec(text)?.[1];
  if (days !== undefined) return now + Number(days) * 86_400_000_000;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  // JavaScript takes February 30 for March 2.
  if (day === undefined || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text)
    return fail(`--expires takes days (90d), a date (2027-01-31) or never, not "${text}"`);
  return day.getTime() * 1000;
}

function parseScope(text: string): Scope {
  return SCOPES.find((scope) => scope === text) ?? fail(`--scopes takes ${SCOPES.join(', ')}, not "${text}"`);
}

function parseInteger(name: string, text: string): string {
  return /^\d{1,18}$/.test(text) ? text : fail(`${name} takes a whole number, not "${text}"`);
}

function fail(line: string): never {
  throw new SetupError(line);
}
