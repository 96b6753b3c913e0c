// docs/configuration.md lists the variables that the programs read: it is printed from the same declarations.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROGRAMS } from '../../scripts/cli/variables.ts';
import { configurationPage } from '../../scripts/contracts/configuration-page.ts';
import { listVariables, type Variable } from '../../src/runtime/env.ts';

const DECLARED = Map.groupBy(Object.values(PROGRAMS).flatMap(listVariables), ({ name }) => name);

const ROOT = new URL('../..', import.meta.url).pathname;

test('the page is in step with the code (npm run configuration prints it again)', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  assert.deepEqual(page.split('\n'), configurationPage().split('\n'));
});

test('a variable that several programs read has one default', () => {
  const propertiesOf = ({ fallback, unit, isSecret }: Variable<unknown>) =>
    JSON.stringify([fallback, unit, isSecret]);
  const different = [...DECLARED].filter(([, same]) => new Set(same.map(propertiesOf)).size > 1);
  assert.deepEqual(
    different.map(([name]) => name),
    [],
  );
});

/** Variables of the code that are not settings: those of tests, and what a program tells the processes that it starts. */
const NOT_SETTINGS = /^(?:PATH|HOME|NODE_ENV|npm_lifecycle_event)$/;

test('every variable that a program reads is on the page', () => {
  const files = execFileSync('git', ['ls-files', 'src', 'scripts', 'envoy', 'bench', 'clients'], {
    cwd: ROOT,
  })
    .toString()
    .split('\n')
    .filter((file) => /\.(?:ts|mjs)$/.test(file));
  const read = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/process\.env\.(\w+)/g)].map(
      ([, name = '']) => `${file}: ${name}`,
    ),
  );
  const unknown = read.filter((reading) => {
    const [, name = ''] = reading.split(': ');
    return !DECLARED.has(name) && !NOT_SETTINGS.test(name);
  });
  assert.deepEqual(unknown, []);
});

test('a command names every variable that is missing, wrong or unknown, and exits with 1', () => {
  const run = (command: string, env: NodeJS.ProcessEnv) => {
    const { PATH } = process.env;
    const [program = '', ...args] = command.split(' ');
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, program), ...args], {
      env: { PATH, ...env },
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { status, faults: stderr.trimEnd().split('\n') };
  };
  assert.deepEqual(
    run('scripts/migrate.ts', { APP_PASSWORD: 'short', LEDGER_LANE: '1', LEDGER_LANES: '2' }),
    {
      status: 1,
      faults: [
        'DATABASE_URL is required: it must be a URL that starts with postgres:// or postgresql://',
        'APP_PASSWORD must be 16 characters or more, and its value is not',
        'WORKER_PASSWORD is required: it must be 16 characters or more',
        'ADMIN_PASSWORD is required: it must be 16 characters or more',
        'LEDGER_LANE is not a variable of ppuri; did you mean LEDGER_LANES?',
      ],
    },
  );
  assert.deepEqual(
    run('scripts/start.ts', { REST_PORT: '0', LEDGER_LANES: 'x', EDGE_RATE_PER_SECOND: '0' }),
    {
      status: 1,
      faults: [
        'REST_PORT must be a whole number from 1 to 65535, not "0"',
        'EDGE_RATE_PER_SECOND must be a whole number from 1 to 1000000, not "0"',
        'LEDGER_LANES must be a whole number from 1 to 32, not "x"',
      ],
    },
  );
  assert.deepEqual(run('scripts/start.ts', { REST_PORT: '8081' }), {
    status: 1,
    faults: ['REST_PORT and GRPC_EDGE_PORT are both 8081; give one of them another port'],
  });
  const database = { ADMIN_DATABASE_URL: 'postgres://a@127.0.0.1/b' };
  assert.deepEqual(run('scripts/keys.ts list', database), {
    status: 1,
    faults: ['ADMIN_DATABASE_URL needs REDIS_URL and KEY_ENCRYPTION_KEYS'],
  });
  assert.deepEqual(run('scripts/call.ts', { PPURI_KEY_ID: 'a' }), {
    status: 1,
    faults: ['PPURI_KEY_ID and PPURI_SECRET must be set together'],
  });
});
