// What helm makes of the chart runs: `podman play kube` starts its pods in a network of their own, with a Postgres and a Redis of
// this machine, and the README's calls go through the edge. This file does what a cluster does and Podman 4 does not: it runs a
// pod's init container first, gives it the files of its Secrets, tells it the address of a Service, and asks its probes.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { runHelm } from '../../../scripts/chart.ts';
import { seed } from '../../../scripts/dev/demo.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { type Postgres, startPostgres } from '../../../scripts/dev/postgres.ts';
import { findContainers, reserveNetworks } from '../../../scripts/ops/parts/containers.ts';
import { findHelm } from '../../../scripts/ops/parts/helm.ts';
import { shownValue } from '../../docs/production-page.ts';
import { mustRun } from '../../must-run.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../../redis/own-redis.ts';
import { orSkip, withoutEdge } from '../../skip.ts';
import { until } from '../../until.ts';
import { callAsReadme } from './readme-calls.ts';
import { makeSteadyNetwork, removeSteadyNetwork } from './steady-network.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const IMAGE = 'localhost/ppuri';
const TAG = 'kubernetes';
const EDGE_IMAGE = `localhost/ppuri-envoy:${TAG}`;
const NETWORK = 'ppuri-kubernetes';
const WITHIN_MS = 60_000;
/** Apart from the containers of docs/production.md, which another test file runs at the same time. */
const podName = (name: string) => `ppuri-pod-${name}`;
/** Other test files have pods, too. */
const PODS = ['server', 'admin', 'worker', 'edge', 'migrate'].flatMap((name) => [
  podName(name),
  podName(`${name}-init`),
]);

const found = await findContainers();
const containers = 'reason' in found ? undefined : found;
const { skip: withoutContainers } = orSkip(
  'reason' in found ? found : { path: 'podman' },
  'Podman with what it needs',
);
const { skip: withoutHelm } = orSkip(await findHelm(), 'helm');
const skip = withoutContainers || withoutHelm || withoutEdge || withoutRedis;

interface Container {
  readonly name: string;
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: { readonly key: string } };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly livenessProbe?: object;
  readonly startupProbe?: object;
}

interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly items: readonly { readonly key: string }[] };
}

interface Pod {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: { readonly spec: Pod } };
}

let folder: string;
let postgres: Postgres;
let redis: OwnRedis;
let ownerUrl: string;
let gateway: string;
let networks: Disposable | undefined;
let manifests: readonly Manifest[];
const secrets: Record<string, string> = {};
const relays: Server[] = [];
const relayed = new Set<Socket>();
const played = new Set<string>();
const podman = (...args: readonly string[]) =>
  containers?.podman(...args) ?? Promise.reject(new Error('there are no containers'));

before(
  async () => {
    if (skip || !containers) return;
    folder = mkdtempSync(join(tmpdir(), 'ppuri-kubernetes-'));
    const [port = 0] = await findFree(1);
    const place = { dataDir: join(folder, 'data'), logDir: join(folder, 'log'), port };
    await removeAll();
    const bases = ['--base', containers.base, '--build-base', containers.buildBase];
    [postgres, redis] = await Promise.all([
      startPostgres(place),
      startOwnRedis(),
      mustRun(process.execPath, [join(ROOT, 'scripts', 'image.ts'), '--tag', `${IMAGE}:${TAG}`, ...bases], {
        env: containers.env,
      }),
    ]);
    await buildEdgeImage();
    ownerUrl = await postgres.createDatabase('ppuri');
    networks = await reserveNetworks();
    await makeSteadyNetwork(containers, NETWORK);
    gateway = await podman('network', 'inspect', '--format', '{{(index .Subnets 0).Gateway}}', NETWORK);
    makeSecrets();
    manifests = await render();
  },
  { timeout: 600_000 },
);
after(async () => {
  if (skip) return;
  for (const relay of relays) relay.close();
  await removeAll();
  // A pod whose network is taken away says nothing to its connections.
  for (const socket of relayed) socket.destroy();
  networks?.[Symbol.dispose]();
  await Promise.all([postgres?.stop(), redis?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Also what a run that was killed has left. Podman keeps the volumes of pods that are gone, by their names. */
async function removeAll(): Promise<void> {
  await podman('pod', 'rm', '--force', '--ignore', '--time', '0', ...PODS);
  await podman('volume', 'rm', '--force', 'config', 'tmp', 'ppuri-edge').catch(() => {});
  if (containers) await removeSteadyNetwork(containers, NETWORK);
}

/** An image like that of Envoy: a Debian or Ubuntu with the program in it. */
async function buildEdgeImage(): Promise<void> {
  const context = join(folder, 'edge');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Containerfile'),
    `FROM ${containers?.base}\nCOPY --from=program envoy /usr/local/bin/envoy\n`,
  );
  const program = `program=${dirname(process.env.TEST_ENVOY ?? '')}`;
  await mustRun(
    'buildah',
    ['build', '--quiet', '--layers', '--tag', EDGE_IMAGE, '--build-context', program, context],
    {
      env: containers?.env ?? {},
    },
  );
}

/** The secrets that values.yaml lists, as a site makes them. */
function makeSecrets(): void {
  const random = () => randomBytes(24).toString('hex');
  const urlOf = (login: string, password: string) => {
    const url = new URL(ownerUrl);
    return Object.assign(url, { hostname: gateway, username: login, password }).href;
  };
  const { password, username } = new URL(ownerUrl);
  secrets.owner_url = urlOf(username, password);
  for (const login of ['app', 'worker', 'admin']) {
    secrets[`${login}_password`] = random();
    secrets[`${login}_url`] = urlOf(`ppuri_${login}`, secrets[`${login}_password`] ?? '');
  }
  secrets.redis_url = Object.assign(new URL(redis.url), { hostname: gateway }).href;
  secrets.edge_secret = random();
  secrets.admin_edge_secret = random();
  secrets.key_encryption_keys = `first:${randomBytes(32).toString('base64')}`;
}

async function render(): Promise<Manifest[]> {
  const values = [`image.repository=${IMAGE}`, `image.tag=${TAG}`, `edge.image=${EDGE_IMAGE}`];
  const example = join(ROOT, 'deploy', 'helm', 'ppuri', 'examples', 'small.yaml');
  const text = await runHelm('template', '--values', example, ...values.flatMap((value) => ['--set', value]));
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}

function podOf(name: string): Pod {
  const manifest = manifests.find(
    ({ kind, metadata }) => ['Deployment', 'Job'].includes(kind) && metadata.name.startsWith(`ppuri-${name}`),
  );
  assert.ok(manifest, name);
  return manifest.spec.template.spec;
}

/** What is listening here on 127.0.0.1 alone, for the pods. */
async function relay(url: string): Promise<void> {
  const port = Number(new URL(url).port);
  const server = createServer((client) => {
    const inner = connect(port, '127.0.0.1');
    client.pipe(inner).pipe(client);
    for (const socket of [client, inner]) {
      relayed.add(socket);
      socket.on('error', () => [client, inner].map((one) => one.destroy()));
      socket.once('close', () => relayed.delete(socket));
    }
  });
  relays.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, gateway, resolve);
  });
}

/** The files of a Secret that a pod mounts, for its user alone, as the kubelet makes them. */
function filesOf({ name, secret }: Volume, pod: string): object {
  const path = join(folder, 'mounts', `${pod}-${name}`);
  mkdirSync(path, { recursive: true });
  for (const { key } of secret?.items ?? []) {
    writeFileSync(join(path, key), secrets[key] ?? '', { mode: 0o440 });
    chownSync(join(path, key), 0, 10_001);
  }
  return { name, hostPath: { path } };
}

/** A container with the values of its secrets, and without probes and ports, which Podman 4 takes for something else. */
function asPodman(container: Container): object {
  const env = container.env?.map(({ name, value, valueFrom }) => ({
    name,
    value: value ?? secrets[valueFrom?.secretKeyRef.key ?? ''] ?? '',
  }));
  const { readinessProbe, livenessProbe, startupProbe, ports, ...rest } = container;
  return { ...rest, ...(env && { env }) };
}

/** Starts containers as a pod. */
async function play(name: string, spec: Pod, some: readonly Container[]): Promise<void> {
  const server = await addressOf('server').catch(() => '');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName(name) },
    spec: {
      ...spec,
      initContainers: [],
      restartPolicy: 'Never',
      ...(server && { hostAliases: [{ ip: server, hostnames: ['ppuri-server.money.svc.cluster.local'] }] }),
      containers: some.map(asPodman),
      volumes: spec.volumes.map((volume) => (volume.secret ? filesOf(volume, name) : volume)),
    },
  };
  const file = join(folder, `${name}.yaml`);
  const documents = [...configMaps(), pod].map((document) => stringify(document));
  writeFileSync(file, documents.join('---\n'), { mode: 0o600 });
  await podman('play', 'kube', '--network', NETWORK, file);
}

const configMaps = () => manifests.filter(({ kind }) => kind === 'ConfigMap');

const logsOf = async (container: string) => (await containers?.logs(container)) ?? '';

const containerName = (pod: string, { name }: Container) => `${podName(pod)}-${name}`;

async function addressOf(name: string): Promise<string> {
  const infra = await podman('pod', 'inspect', '--format', '{{.InfraContainerID}}', podName(name));
  return podman('inspect', '--format', `{{(index .NetworkSettings.Networks "${NETWORK}").IPAddress}}`, infra);
}

/** Waits until a container has ended well; a failure shows what it wrote. */
async function untilDone(container: string): Promise<void> {
  const state = async () => {
    const [status, code] = (
      await podman('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', container)
    ).split(' ');
    assert.ok(status !== 'exited' || code === '0', await logsOf(container));
    return status === 'exited';
  };
  await until(`${container} is done`, state, WITHIN_MS);
}

/** Starts a program as the cluster does: its init container, then itself, until its readiness probe succeeds. */
async function start(name: string): Promise<void> {
  const spec = podOf(name);
  const [init] = spec.initContainers ?? [];
  if (init && !played.has(name)) await play(`${name}-init`, spec, [init]);
  if (init) await untilDone(containerName(`${name}-init`, init));
  await play(name, spec, spec.containers);
  const [main] = spec.containers;
  const probe = main?.readinessProbe?.httpGet;
  const port = main?.ports?.find((one) => one.name === probe?.port)?.containerPort;
  const url = `http://${await addressOf(name)}:${port}${probe?.path}`;
  const isReady = () =>
    fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(`${name} is ready`, isReady, WITHIN_MS).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${main && (await logsOf(containerName(name, main)))}`);
  });
}

test('servers wait for the migration, whatever comes first, and the pods of a release answer the README’s calls', {
  skip,
  timeout: 240_000,
}, async () => {
  const server = podOf('server');
  const [waiting] = server.initContainers ?? [];
  assert.ok(waiting);
  await play('server-init', server, [waiting]);
  played.add('server');
  const untilSaid = (what: string, said: RegExp) =>
    until(what, async () => said.test(await logsOf(`${podName('server-init')}-migrated`)), WITHIN_MS);
  await untilSaid('it waits for the database', /waiting: .*ECONNREFUSED/s);
  await Promise.all([relay(postgres.ownerUrl), relay(redis.url)]);
  await untilSaid('it waits for its login', /waiting: .*28P01/s);
  const migrate = podOf('migrate');
  await play('migrate', migrate, migrate.containers);
  await untilDone(`${podName('migrate')}-migrate`);
  await seed(Object.assign(new URL(secrets.app_url ?? ''), { hostname: '127.0.0.1' }).href);
  await start('server');
  await Promise.all([start('admin'), start('worker')]);
  const key = await createKey();
  await start('edge');
  const edge = await addressOf('edge');
  await callAsReadme(folder, { restUrl: `http://${edge}:8080`, grpcAddress: `${edge}:8081`, key });
});

/** As the notes of the chart say. */
async function createKey(): Promise<{ keyId: string; secret: string }> {
  const shown = await podman(
    ...['exec', `${podName('admin')}-admin`, 'node', '/ppuri/dist/scripts/ppuri.js', 'keys', 'create'],
    ...['--name', 'first', '--scopes', 'read,pay,fund'],
  );
  return { keyId: shownValue(shown, 'id'), secret: shownValue(shown, 'secret') };
}

test('each pod ends by itself when it is stopped, the edge after it has drained', {
  skip,
  timeout: 120_000,
}, async () => {
  // The container and not its pod, with which Podman takes the network away before the programs have ended.
  const stop = async (container: string) => {
    await podman('stop', '--time', '45', container);
    const code = await podman('inspect', '--format', '{{.State.ExitCode}}', container);
    assert.equal(code, '0', await logsOf(container));
  };
  const startedAt = performance.now();
  await Promise.all([
    stop(`${podName('edge')}-envoy`),
    ...['server', 'admin', 'worker'].map((name) => stop(`${podName(name)}-${name}`)),
  ]);
  assert.doesNotMatch(await logsOf(`${podName('edge')}-envoy`), /cannot be asked to drain/);
  assert.ok(performance.now() - startedAt > 19_000, 'the edge did not drain');
});
