// Every setting that comes from outside: read from the environment once, checked, and typed from then on.

/** How the server is set up. */
export interface Config {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly grpcHost: string;
  readonly grpcPort: number;
  readonly grpcReflection: boolean;
  readonly opsHost: string;
  readonly opsPort: number;
  /** The folder of app.log and transactions.log; stdout alone when undefined. */
  readonly logDir: string | undefined;
  /** Whether the logs go to stdout too. */
  readonly logStdout: boolean;
  readonly logLevel: LogLevel;
  readonly ledger: {
    readonly maxBatch: number;
    readonly lanes: number;
  };
  readonly readConnections: number;
  readonly peopleConnections: number;
  readonly statementTimeoutMs: number;
  readonly sprinkleLifetimeMs: number;
  readonly sprinkleLookupMs: number;
  readonly stopGraceMs: number;
}

/** From what importance on a line is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** The settings are wrong; the message names each variable that is, one a line. */
export class ConfigError extends Error {}

/** Reads the settings. Throws a ConfigError that names everything that is missing or wrong at once. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const faults: string[] = [];

  const text = (name: string, fallback?: string): string => {
    const value = env[name] || fallback;
    if (value === undefined) faults.push(`${name} is required`);
    return value ?? '';
  };
  const url = (name: string, protocols: readonly string[]): string => {
    const value = text(name);
    if (value && !(URL.canParse(value) && protocols.includes(new URL(value).protocol))) {
      faults.push(`${name} must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    }
    return value;
  };
  const whole = (name: string, fallback: number, min: number, max: number): number => {
    const value = env[name] || String(fallback);
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      faults.push(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
    }
    return number;
  };
  const choice = <T extends string>(name: string, fallback: T, choices: readonly T[]): T => {
    const value = env[name] || fallback;
    const chosen = choices.find((known) => known === value);
    if (chosen === undefined) faults.push(`${name} must be one of ${choices.join(', ')}, not "${value}"`);
    return chosen ?? fallback;
  };

  const config: Config = {
    databaseUrl: url('DATABASE_URL', ['postgres:', 'postgresql:']),
    redisUrl: url('REDIS_URL', ['redis:', 'rediss:']),
    grpcHost: text('GRPC_HOST', '127.0.0.1'),
    grpcPort: whole('GRPC_PORT', 50051, 0, 65535),
    grpcReflection: choice('GRPC_REFLECTION', 'true', ['true', 'false']) === 'true',
    opsHost: text('OPS_HOST', '127.0.0.1'),
    opsPort: whole('OPS_PORT', 9464, 0, 65535),
    logDir: env.LOG_DIR || undefined,
    logStdout: choice('LOG_STDOUT', 'true', ['true', 'false']) === 'true',
    logLevel: choice('LOG_LEVEL', 'info', LOG_LEVELS),
    ledger: {
      maxBatch: whole('LEDGER_MAX_BATCH', 1024, 1, 10_000),
      lanes: whole('LEDGER_LANES', 2, 1, 32),
    },
    readConnections: whole('READ_CONNECTIONS', 8, 1, 1000),
    peopleConnections: whole('PEOPLE_CONNECTIONS', 4, 1, 1000),
    statementTimeoutMs: whole('STATEMENT_TIMEOUT_MS', 10 * SECOND, 100, 10 * MINUTE),
    sprinkleLifetimeMs: whole('SPRINKLE_LIFETIME_MS', 10 * MINUTE, 1, DAY),
    sprinkleLookupMs: whole('SPRINKLE_LOOKUP_MS', 7 * DAY, 1, 365 * DAY),
    stopGraceMs: whole('STOP_GRACE_MS', 8 * SECOND, 0, 10 * MINUTE),
  };
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return config;
}
