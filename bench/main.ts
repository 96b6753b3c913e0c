// `npm run bench`: what the machine does, next to what gRPC alone does on it in the same run.
//
// Its own Postgres, Redis and server processes on free ports, in a folder of their own; nothing of it stays.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keepDemoKey } from '../scripts/dev/demo-key.ts';
import { keepKeyEncryptionKeys } from '../scripts/dev/key-office.ts';
import { findFree } from '../scripts/dev/ports.ts';
import { startPostgres } from '../scripts/dev/postgres.ts';
import { startRedis } from '../scripts/dev/redis.ts';
import { randomSecret } from '../scripts/dev/secret-file.ts';
import { signingKeyIn } from '../scripts/dev/signing-key.ts';
import { migrate } from '../src/db/migrate.ts';
import { BALANCE, type Case, ECHO, runCase, TRANSFER } from './cases.ts';
import { startChild } from './child.ts';
import { fillPeople } from './people.ts';
import { sharesIn } from './profile.ts';

const { values } = parseArgs({
  options: {
    // How long each case is measured, after a warm-up of a fifth of that.
    seconds: { type: 'string', default: '5' },
    // How many calls are under way at a time.
    inflight: { type: 'string', default: '256' },
    json: { type: 'boolean', default: false },
    // Where the server's time went, instead of how fast it was: profiling costs speed.
    profile: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const inFlight = Number(values.inflight);
if (!(seconds > 0) || !Number.isInteger(inFlight) || inFlight < 1) {
  console.error('--seconds and --inflight must be numbers above zero');
  process.exit(2);
}

const dataDir = mkdtempSync(join(tmpdir(), 'ppuri-bench-'));
const profileDir = join(dataDir, 'profile');
const running: { stop(): Promise<unknown> }[] = [];
try {
  const results = await measure();
  for (const part of running.splice(0).reverse()) await part.stop();
  const echo = results[0]?.callsPerSecond ?? 0;
  const cases = results.map((result) => ({ ...result, shareOfEcho: result.callsPerSecond / echo }));
  if (values.json) console.log(JSON.stringify({ cases }));
  else for (const result of cases) console.log(lineOf(result));
  if (values.profile) {
    console.log('\nWhere the server spent its CPU time');
    for (const { name, share } of sharesIn(profileDir))
      console.log(`  ${name.padEnd(24)}${(share * 100).toFixed(1)} %`);
  }
  if (cases.some(({ errors }) => errors > 0)) process.exitCode = 1;
} finally {
  for (const part of running.reverse()) await part.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function measure() {
  const [postgresPort = 0, redisPort = 0, echoPort = 0] = await findFree(3);
  const logDir = join(dataDir, 'log');
  const postgres = await startPostgres({ dataDir, logDir, port: postgresPort });
  running.push(postgres);
  const redis = await startRedis({ dataDir, logDir, port: redisPort, say: console.error });
  running.push(redis);
  const ownerUrl = await postgres.createDatabase('bench');
  await migrate({ ownerUrl, appPassword: 'bench' });
  const databaseUrl = Object.assign(new URL(ownerUrl), { username: 'ppuri_app', password: 'bench' }).href;

  const echo = await startChild('bench/echo-server.ts', { GRPC_PORT: String(echoPort) });
  running.push(echo);
  const keyEncryptionKeys = keepKeyEncryptionKeys(dataDir);
  const demoKey = await keepDemoKey(dataDir, { databaseUrl, redisUrl: redis.url, keyEncryptionKeys });
  const key = signingKeyIn([demoKey], {});
  const [grpcPort = 0, opsPort = 0] = await findFree(2);
  const server = await startChild('src/main.ts', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    GRPC_PORT: String(grpcPort),
    OPS_PORT: String(opsPort),
    LOG_DIR: logDir,
    LOG_STDOUT: 'false',
    ...(values.profile && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` }),
    EDGE_SECRET: randomSecret(),
    KEY_ENCRYPTION_KEYS: keyEncryptionKeys,
    // One machine and a thousand users ask for more than anybody may; what limits cost is measured all the same.
    KEY_RATE_PER_SECOND: '1000000',
    USER_RATE_PER_SECOND: '1000000',
    IP_RATE_PER_SECOND: '1000000',
  });
  running.push(server);
  await fillPeople(databaseUrl);

  const run = (which: Case, port: number, cpu: () => number) => {
    const signed = which === ECHO ? undefined : key;
    return runCase(which, {
      address: `127.0.0.1:${port}`,
      key: signed,
      seconds,
      inFlight,
      serverCpuSeconds: cpu,
    });
  };
  // The echo runs first and last, and its better half counts: the machine's mood changes within a run.
  const first = await run(ECHO, echoPort, echo.cpuSeconds);
  const transfers = await run(TRANSFER, grpcPort, server.cpuSeconds);
  const balances = await run(BALANCE, grpcPort, server.cpuSeconds);
  const last = await run(ECHO, echoPort, echo.cpuSeconds);
  return [first.callsPerSecond > last.callsPerSecond ? first : last, transfers, balances];
}

function lineOf(result: Awaited<ReturnType<typeof measure>>[number] & { shareOfEcho: number }): string {
  const { name, callsPerSecond, p50Ms, p99Ms, serverCpuMsPerCall, errors, shareOfEcho } = result;
  const columns = [
    name.padEnd(34),
    `${Math.round(callsPerSecond)}/s`.padStart(10),
    `${shareOfEcho.toFixed(2)} of the echo`.padStart(18),
    `p50 ${p50Ms.toFixed(1)} ms`.padStart(14),
    `p99 ${p99Ms.toFixed(1)} ms`.padStart(14),
    `server CPU ${(serverCpuMsPerCall * 1000).toFixed(0)} µs/call`.padStart(26),
    errors > 0 ? `  ${errors} ERRORS` : '',
  ];
  return columns.join('');
}
