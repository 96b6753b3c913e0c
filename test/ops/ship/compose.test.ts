// deploy/compose.yaml runs: everything of it that is made here, by podman-compose, in the order in which its services wait for
// each other, which podman-compose leaves to Podman 4.6. Images of others stand for theirs: Redis for Valkey, Envoy's program on a
// Debian, PostgreSQL likewise. Prometheus, Grafana, Elasticsearch and the exporters have no image here and do not run.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { seed } from '../../../scripts/dev/demo.ts';
import { findProgram } from '../../../scripts/dev/install.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { runCommand } from '../../../scripts/dev/processes.ts';
import { findContainers, reserveNetworks } from '../../../scripts/ops/parts/containers.ts';
import { shownValue } from '../../docs/production-page.ts';
import { mustRun } from '../../must-run.ts';
import { withoutRedis } from '../../redis/own-redis.ts';
import { orSkip, withoutEdge } from '../../skip.ts';
import { until } from '../../until.ts';
import { buildPostgresImage } from './postgres-image.ts';
import { callAsReadme } from './readme-calls.ts';
import { makeSteadyNetwork, removeSteadyNetwork } from './steady-network.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PROJECT = 'ppuri-compose-test';
const VERSION = 'compose-test';
const WITHIN_MS = 120_000;
/** What is made here or has something that stands for it. */
const IMAGES = /^(?:ppuri|ppuri-postgres|envoyproxy\/envoy|valkey\/valkey):/;

const found = await findContainers();
const containers = 'reason' in found ? undefined : found;
const podmanCompose = orSkip(
  await findProgram(
    {
      folder: join(ROOT, '.cache', 'podman-compose-1.6.0'),
      requirements: join(import.meta.dirname, 'podman-compose-requirements.txt'),
      // The program beside it names the folder that it was installed in, and has moved since.
      program: 'lib/python*/site-packages/podman_compose.py',
      title: 'podman-compose 1.6.0',
    },
    console.error,
  ),
  'podman-compose',
);
const { skip: withoutContainers } = orSkip(
  'reason' in found ? found : { path: 'podman' },
  'Podman with what it needs',
);
const skip = withoutContainers || podmanCompose.skip || withoutEdge || withoutRedis;

interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly restart: string;
  readonly depends_on?: Readonly<Record<string, object>>;
}

const { services, networks } = parse(readFileSync(join(ROOT, 'deploy', 'compose.yaml'), 'utf8'), {
  merge: true,
}) as {
  services: Readonly<Record<string, Service>>;
  networks: Readonly<Record<string, { readonly internal?: boolean }>>;
};
const NAMES = Object.entries(services).flatMap(([name, { image, profiles }]) =>
  IMAGES.test(image) && !profiles ? [name] : [],
);

let folder: string;
let reserved: Disposable | undefined;
let addresses: readonly string[];
const podman = (...args: readonly string[]) =>
  containers?.podman(...args) ?? Promise.reject(new Error('there are no containers'));
const containerOf = (service: string) => `${PROJECT}_${service}_1`;
const networkOf = (name: string) => `${PROJECT}_${name}`;

/** Runs podman-compose on the copy of compose.yaml. */
function compose(...args: readonly string[]): Promise<string> {
  const python = join(podmanCompose.path, '..', '..', '..', '..', 'bin', 'python3');
  return mustRun(python, [podmanCompose.path, '--project-name', PROJECT, ...args], {
    cwd: join(folder, 'deploy'),
    env: { ...containers?.env },
  });
}

before(
  async () => {
    if (skip || !containers) return;
    folder = mkdtempSync(join(tmpdir(), 'ppuri-compose-'));
    cpSync(join(ROOT, 'deploy'), join(folder, 'deploy'), { recursive: true });
    cpSync(join(ROOT, 'envoy', 'run-envoy.sh'), join(folder, 'envoy', 'run-envoy.sh'));
    // Podman 4 knows no interval for the start; without systemd nobody makes the checks but this file.
    const file = join(folder, 'deploy', 'compose.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(', start_interval: 1s', ''));
    await mustRun('sh', [join(folder, 'deploy', 'compose', 'make-secrets.sh')]);
    const ports = await findFree(8);
    const example = readFileSync(join(folder, 'deploy', '.env.example'), 'utf8');
    const settings = example
      .replace(/^PPURI_VERSION=.*$/m, `PPURI_VERSION=${VERSION}`)
      .replace(
        /^(\w+_(?:ADDRESS|PORT))=(127\.0\.0\.1:)?\d+$/gm,
        (_, name, host = '') => `${name}=${host}${ports.pop()}`,
      );
    addresses = ['REST', 'GRPC'].map(
      (kind) => new RegExp(`^${kind}_ADDRESS=(.*)$`, 'm').exec(settings)?.[1] ?? '',
    );
    writeFileSync(join(folder, 'deploy', '.env'), settings);
    await removeAll();
    await buildImages();
    reserved = await reserveNetworks();
    // podman-compose takes those that are there.
    for (const [name, { internal }] of Object.entries(networks))
      await makeSteadyNetwork(containers, networkOf(name), ...(internal ? ['--internal'] : []));
  },
  { timeout: 600_000 },
);
after(async () => {
  if (skip) return;
  await removeAll();
  reserved?.[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Also what a run that was killed has left. */
async function removeAll(): Promise<void> {
  await compose('down', '--volumes', '--timeout', '0').catch(() => {});
  if (!containers) return;
  await containers.remove(NAMES.map(containerOf));
  for (const name of Object.keys(networks)) await removeSteadyNetwork(containers, networkOf(name));
}

async function buildImages(): Promise<void> {
  if (!containers) return;
  const { env, base, buildBase } = containers;
  const bases = ['--base', base, '--build-base', buildBase];
  const image = ['--tag', `localhost/ppuri:${VERSION}`, ...bases];
  await mustRun(process.execPath, [join(ROOT, 'scripts', 'image.ts'), ...image], { env });
  await buildPostgresImage(containers, folder, `localhost/ppuri-postgres:${VERSION}`);
  const envoy = dirname(process.env.TEST_ENVOY ?? '');
  await buildFrom(services.edge?.image ?? '', envoy, 'COPY --from=program envoy /usr/local/bin/envoy');
  await buildFrom(
    services.redis?.image ?? '',
    await redisWithLibraries(),
    `COPY --from=program lib /usr/local/lib/redis
COPY --from=program redis-server /usr/local/bin/valkey-server
COPY --from=program redis-cli /usr/local/bin/valkey-cli
ENV LD_LIBRARY_PATH=/usr/local/lib/redis
RUN mkdir /data && chown 999:999 /data
VOLUME /data`,
  );
}

async function buildFrom(tag: string, program: string, lines: string): Promise<void> {
  const context = join(folder, tag.replaceAll(/\W/g, '-'));
  mkdirSync(context);
  writeFileSync(join(context, 'Containerfile'), `FROM ${containers?.base}\n${lines}\n`);
  const build = [
    'build',
    '--quiet',
    '--layers',
    '--tag',
    `localhost/${tag}`,
    '--build-context',
    `program=${program}`,
  ];
  await mustRun('buildah', [...build, context], { env: containers?.env ?? {} });
}

/** The Redis of this machine in a folder, with what it is linked with. */
async function redisWithLibraries(): Promise<string> {
  const place = join(folder, 'redis');
  mkdirSync(join(place, 'lib'), { recursive: true });
  for (const program of ['redis-server', 'redis-cli']) {
    const path = await mustRun('sh', ['-c', `command -v ${program}`]);
    copyFileSync(path, join(place, program));
    const linked = await mustRun('ldd', [path]);
    for (const [, library = ''] of linked.matchAll(/=> (\/\S+)/g))
      if (!/\/(?:libc|libm|libpthread|libdl|librt)\.so/.test(library))
        copyFileSync(library, join(place, 'lib', library.split('/').at(-1) ?? ''));
  }
  return place;
}

/** What others wait for: a service that ends has ended well, one that stays is healthy. */
async function isThere(name: string): Promise<boolean> {
  const container = containerOf(name);
  const [status, code] = (
    await podman('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', container)
  ).split(' ');
  if (services[name]?.restart.startsWith('on-failure')) {
    assert.ok(status !== 'exited' || code === '0', `${name}: ${await containers?.logs(container)}`);
    return status === 'exited';
  }
  return (await runCommand('podman', ['healthcheck', 'run', container], { env: containers?.env ?? {} })).ok;
}

/** Starts the services, each when those are there that it waits for, as Docker Compose does. */
async function up(): Promise<void> {
  const started = new Map<string, Promise<void>>();
  const start = (name: string): Promise<void> => {
    const starting =
      started.get(name) ?? startAfter(name, Object.keys(services[name]?.depends_on ?? {}).map(start));
    started.set(name, starting);
    return starting;
  };
  await Promise.all(NAMES.map(start));
}

let turn: Promise<unknown> = Promise.resolve();
async function startAfter(name: string, others: readonly Promise<void>[]): Promise<void> {
  await Promise.all(others);
  // One after the other: each makes the volumes that are missing.
  turn = turn.then(() => compose('up', '--detach', '--no-deps', '--no-build', name));
  await turn;
  await until(`${name} is there`, () => isThere(name), WITHIN_MS).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${await containers?.logs(containerOf(name))}`);
  });
}

const networkAddress = (service: string) =>
  podman(
    ...['inspect', '--format', `{{(index .NetworkSettings.Networks "${networkOf('inside')}").IPAddress}}`],
    containerOf(service),
  );

test('edge, servers, worker, PostgreSQL with its standby and Redis start, and answer the README’s calls', {
  skip,
  timeout: 280_000,
}, async () => {
  await up();
  const secret = (name: string) => readFileSync(join(folder, 'deploy', 'secrets', name), 'utf8');
  const appUrl = new URL(secret('app_url'));
  await seed(Object.assign(appUrl, { hostname: await networkAddress('postgres') }).href);
  const shown = await compose(
    '--profile',
    'tools',
    'run',
    '--rm',
    'keys',
    'create',
    '--name',
    'first',
    '--scopes',
    'read,pay,fund',
  );
  const [rest = '', grpcAddress = ''] = addresses;
  const key = { keyId: shownValue(shown, 'id'), secret: shownValue(shown, 'secret') };
  await callAsReadme(folder, { restUrl: `http://${rest}`, grpcAddress, key });
  const environment = await podman('exec', containerOf('postgres'), 'cat', '/proc/1/environ');
  assert.ok(!environment.includes(secret('owner_password')) && !environment.includes('POSTGRES_PASSWORD'));
});

test('stopped, the edge drains, and each program ends by itself', { skip, timeout: 180_000 }, async () => {
  // Docker Compose stops what depends on others before these; podman-compose stops all that it is given at once.
  const groups = [['edge'], ['server-1', 'server-2', 'admin', 'worker'], ['standby'], ['postgres']];
  // With the time that compose.yaml gives each to stop.
  for (const names of groups) await compose('stop', ...names);
  for (const name of groups.flat()) {
    const code = await podman('inspect', '--format', '{{.State.ExitCode}}', containerOf(name));
    const state = await podman('inspect', '--format', '{{json .State}}', containerOf(name));
    assert.equal(code, '0', `${name}: ${state}\n${await containers?.logs(containerOf(name))}`);
  }
});
