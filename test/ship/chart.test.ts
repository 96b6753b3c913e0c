// The chart's manifests, as helm printed them for each example, say of variables, ports, probes and rights what the code knows.
import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { type EdgeSettings, renderEdge } from '../../envoy/render.ts';
import { chartDigest, EXAMPLES, printedFile } from '../../scripts/chart.ts';
import { PROGRAMS } from '../../scripts/cli/variables.ts';
import { listVariables } from '../../src/runtime/env.ts';
import { SERVER_VARIABLES } from '../../src/server/config.ts';
import { serverConnections } from '../../src/server/connections.ts';
import { readWorkerConfig, WORKER_VARIABLES } from '../../src/worker/config.ts';
import { workerConnections } from '../../src/worker/connections.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CHART = join(ROOT, 'deploy', 'helm', 'ppuri');
const read = (file: string) => readFileSync(join(CHART, file), 'utf8');

interface Container {
  readonly name: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: object;
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
}

interface Pod {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: { readonly items?: readonly { readonly path: string }[] };
  }[];
}

/** A variable of Node itself: authorities that it trusts besides its own. */
const NODES_OWN = 'NODE_EXTRA_CA_CERTS';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: object; readonly annotations?: object };
  readonly spec: {
    readonly template: { readonly spec: Pod };
    readonly replicas?: number;
    readonly minReplicas?: number;
    readonly postgresql?: { readonly parameters: Readonly<Record<string, string>> };
  };
  readonly data?: Readonly<Record<string, string>>;
}

const manifestsOf = (example: string) =>
  parseAllDocuments(readFileSync(printedFile(example), 'utf8'), { merge: true }).map(
    (document) => document.toJS() as Manifest,
  );
const podsOf = (example: string) =>
  manifestsOf(example).flatMap(({ kind, metadata, spec }) =>
    kind === 'Deployment' || kind === 'Job' ? [{ name: metadata.name, pod: spec.template.spec }] : [],
  );

/** The files that volumes of Secrets put into a pod, where its containers mount them. */
const filesOf = (pod: Pod) =>
  pod.volumes.flatMap(({ name, secret }) => {
    const mounts = [...(pod.initContainers ?? []), ...pod.containers].flatMap(
      ({ volumeMounts }) => volumeMounts,
    );
    const folder = mounts.find((mount) => mount.name === name)?.mountPath;
    return secret?.items?.map(({ path }) => `${folder}/${path}`) ?? [];
  });

test('the manifests were printed from the chart as it is, and nobody has changed them (npm run chart prints them again)', () => {
  assert.deepEqual(EXAMPLES, ['cloud.yaml', 'cloudnativepg.yaml', 'small.yaml']);
  for (const example of EXAMPLES) {
    const [header = '', ...lines] = readFileSync(printedFile(example), 'utf8').split('\n');
    assert.equal(header, `# ${chartDigest(lines.join('\n'))}, printed by npm run chart`, example);
  }
});

test('its version is that of the package, and its rules and dashboards are those of deploy/observability', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const chart = parse(read('Chart.yaml')) as { version: string; appVersion: string };
  assert.deepEqual([chart.version, chart.appVersion], [version, version]);
  assert.equal(realpathSync(join(CHART, 'files/rules')), join(ROOT, 'deploy/observability/prometheus/rules'));
  assert.equal(
    realpathSync(join(CHART, 'files/dashboards')),
    join(ROOT, 'deploy/observability/grafana/dashboards'),
  );
});

for (const example of EXAMPLES) {
  test(`${example}: each program has the variables that it requires and no others, and its secrets in files`, () => {
    for (const { name, pod } of podsOf(example)) {
      for (const { args: [program = ''] = [], env = [] } of [
        ...(pod.initContainers ?? []),
        ...pod.containers,
      ]) {
        if (!(program in PROGRAMS)) continue;
        const variables = listVariables(PROGRAMS[program] ?? {});
        const given = new Map(env.map((variable) => [variable.name, variable.value ?? '']));
        const known = new Map(
          variables.map((variable) => [
            variable.isSecret ? `${variable.name}_FILE` : variable.name,
            variable,
          ]),
        );
        for (const [variable, value] of given) {
          if (variable === NODES_OWN) continue;
          assert.ok(known.has(variable), `${name}: ${variable}`);
          if (!variable.endsWith('_FILE') && !value.startsWith('/run/tls/'))
            assert.notEqual(known.get(variable)?.parse(value), undefined, variable);
        }
        for (const [variable, { isRequired }] of known)
          assert.ok(!isRequired || given.has(variable), `${name}: ${variable}`);
        const mounted = filesOf(pod);
        for (const path of given.values())
          if (path.startsWith('/run/')) assert.ok(mounted.includes(path), `${name}: ${path}`);
      }
    }
  });

  test(`${example}: a pod mounts no secret that its programs do not read`, () => {
    for (const { name, pod } of podsOf(example)) {
      const variables = pod.containers.flatMap(({ env = [] }) => env.map(({ value = '' }) => value));
      const secrets = filesOf(pod).filter((path) => path.startsWith('/run/secrets/'));
      assert.deepEqual(
        secrets.toSorted(),
        [...new Set(variables.filter((value) => value.startsWith('/run/secrets/')))].toSorted(),
        name,
      );
    }
  });

  test(`${example}: each container is confined and bounded, and asked on a port that it has`, () => {
    assert.ok(podsOf(example).length >= 5);
    for (const { name, pod } of podsOf(example)) {
      assert.equal(pod.automountServiceAccountToken, false, name);
      assert.equal(pod.securityContext.runAsNonRoot, true, name);
      for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
        assert.deepEqual(container.securityContext, {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        });
        assert.ok(container.resources.requests && container.resources.limits, name);
        const { readinessProbe, ports = [] } = container;
        if (readinessProbe)
          assert.ok(
            ports.some(({ name }) => name === readinessProbe.httpGet.port),
            name,
          );
        const volumes = pod.volumes.map((volume) => volume.name);
        for (const mount of container.volumeMounts)
          assert.ok(volumes.includes(mount.name), `${name}: ${mount.name}`);
      }
    }
  });

  test(`${example}: the edge’s settings make a configuration`, () => {
    const [config] = manifestsOf(example).filter(({ data }) => data?.['settings.json']);
    const settings = JSON.parse(config?.data?.['settings.json'] ?? '') as EdgeSettings;
    assert.equal(settings.upstreams[0]?.host, 'ppuri-server.money.svc.cluster.local');
    assert.match(renderEdge(settings), /STRICT_DNS/);
    const envoy = podsOf(example).find(({ name }) => name === 'ppuri-edge')?.pod.containers[0];
    assert.deepEqual(
      envoy?.ports?.map(({ containerPort }) => containerPort),
      [settings.restPort, settings.grpcPort, settings.adminPort],
    );
  });
}

test('the settings of the edge are those that the chart makes and those that its values may have', () => {
  const code = readFileSync(join(ROOT, 'envoy', 'render.ts'), 'utf8');
  const settings = /^export interface EdgeSettings \{\n([\s\S]*?)^\}/m.exec(code)?.[1] ?? '';
  const names = [...settings.matchAll(/^ {2}readonly (\w+)/gm)].map(([, name = '']) => name);
  assert.ok(names.length > 10);
  const template = read('templates/edge.yaml');
  const { properties } = JSON.parse(read('values.schema.json')).properties.edge.properties.settings;
  for (const name of names)
    assert.ok(template.includes(`"${name}"`) || name in properties, `nobody can set ${name}`);
  for (const name of Object.keys(properties)) assert.ok(names.includes(name), name);
});

test('env of the values takes no secret, nor what the chart sets itself', () => {
  const refused = Object.keys(JSON.parse(read('values.schema.json')).definitions.env.properties);
  const variables = [...listVariables(SERVER_VARIABLES), ...listVariables(WORKER_VARIABLES)];
  const secrets = variables.filter(({ isSecret }) => isSecret).map(({ name }) => name);
  const made = EXAMPLES.flatMap(podsOf)
    .flatMap(({ pod }) => pod.containers)
    .filter(({ args: [program = ''] = [] }) => ['server', 'worker'].includes(program))
    .flatMap(({ env = [] }) => env.map(({ name }) => name.replace(/_FILE$/, '')));
  type Values = Readonly<Record<string, { readonly env?: object } | undefined>>;
  const examples = EXAMPLES.flatMap((example) => {
    const { server, worker } = parse(read(`examples/${example}`)) as Values;
    return Object.keys({ ...server?.env, ...worker?.env });
  });
  const expected = [...secrets, ...made.filter((name) => !examples.includes(name))];
  assert.deepEqual(new Set(expected).difference(new Set(refused)), new Set());
  // They need files or folders that a pod does not have.
  const inFiles = new Set(refused).difference(new Set(expected));
  assert.deepEqual(inFiles, new Set(['GRPC_TLS_CLIENT_CA', 'LOG_DIR']));
});

test('each secret has a place in the values', () => {
  const optional: string[] = JSON.parse(read('values.schema.json')).properties.secrets.properties.optional
    .items.enum;
  const keys = EXAMPLES.flatMap((example) => podsOf(example).flatMap(({ pod }) => filesOf(pod)))
    .filter((path) => path.startsWith('/run/secrets/'))
    .map((path) => basename(path));
  const text = read('values.yaml');
  for (const key of [...keys, ...optional]) assert.match(text, new RegExp(`^ *#.*\\b${key}\\b`, 'm'), key);
  assert.deepEqual(new Set(optional).difference(new Set(keys)), new Set(), 'no example shows it');
});

test('no manifest is a hook, and programs wait for the migration', () => {
  for (const example of EXAMPLES) {
    const manifests = manifestsOf(example);
    for (const { metadata } of manifests)
      assert.ok(!JSON.stringify(metadata.annotations ?? {}).includes('helm.sh/hook'), metadata.name);
    for (const { name, pod } of podsOf(example)) {
      const [program = ''] = pod.containers[0]?.args ?? [];
      if (!['server', 'worker'].includes(program)) continue;
      assert.deepEqual(
        pod.initContainers?.map(({ args }) => args),
        [['await-migrations']],
        name,
      );
    }
  }
});

test('a pod has the time to stop that its programs take', () => {
  const [server, worker] = [SERVER_VARIABLES, WORKER_VARIABLES];
  const takes: Readonly<Record<string, number>> = {
    server: Number(server.stopDrainMs.fallback) + Number(server.stopGraceMs.fallback),
    worker: Number(worker.stopGraceMs.fallback),
    bash: 2 * 1000 * Number(/DRAIN_SECONDS:-(\d+)/.exec(read('files/run-envoy.sh'))?.[1]),
  };
  for (const { name, pod } of EXAMPLES.flatMap(podsOf)) {
    const { command, args } = pod.containers[0] ?? {};
    const program = command?.[0] ?? args?.[0] ?? '';
    if (program === 'migrate') continue;
    assert.ok(1000 * (pod.terminationGracePeriodSeconds ?? 0) >= (takes[program] ?? Number.NaN) + 1000, name);
  }
});

test('a budget for disruptions lets a pod go: there is another one', () => {
  for (const example of EXAMPLES) {
    const manifests = manifestsOf(example);
    const of = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
    const leastOf = (name: string) =>
      of('HorizontalPodAutoscaler').find(({ metadata }) => metadata.name === name)?.spec.minReplicas ??
      of('Deployment').find(({ metadata }) => metadata.name === name)?.spec.replicas ??
      0;
    for (const { metadata } of of('PodDisruptionBudget'))
      assert.ok(leastOf(metadata.name) >= 2, `${example}: ${metadata.name}`);
  }
});

test('connections: the chart, the page and the clusters count as the programs do', () => {
  const { kafka } = readWorkerConfig({ DATABASE_URL: 'postgres://a@b/c', REDIS_URL: 'redis://a' });
  const config = {
    ledger: { lanes: 2, maxBatch: 1 },
    readConnections: 8,
    adminDatabaseUrl: undefined,
    kafka,
  };
  const admin = serverConnections({ ...config, adminDatabaseUrl: 'postgres://' });
  const [server, worker] = [serverConnections(config), workerConnections(config)];
  const needed = (servers: number, workers: number) =>
    server * (servers + 1) + 2 * admin + worker * (workers + 1) + 20;
  const cluster = manifestsOf('cloudnativepg.yaml').find(({ kind }) => kind === 'Cluster');
  const inHundreds = 100 * Math.ceil(needed(2, 2) / 100);
  assert.equal(cluster?.spec.postgresql?.parameters.max_connections, String(inHundreds));
  const page = readFileSync(join(ROOT, 'docs', 'performance.md'), 'utf8');
  assert.ok(
    page.includes(`${server} by default, and ${admin} with admin.v1; a worker has ${worker}.`),
    `${server}, ${admin}, ${worker}`,
  );
  const [, max = '', servers = ''] =
    /`max_connections = (\d+)` \(\[deploy\/ha\].*?\) is enough for (\d+) servers/.exec(page) ?? [];
  assert.ok(
    needed(Number(servers), 2) <= Number(max) && needed(Number(servers) + 1, 2) > Number(max),
    `${servers} of ${max}`,
  );
  const patroni = parse(readFileSync(join(ROOT, 'deploy', 'ha', 'patroni.yml'), 'utf8'));
  assert.equal(patroni.bootstrap.dcs.postgresql.parameters.max_connections, Number(max));
  const values = parse(read('values.yaml'));
  assert.ok(values.server.autoscaling.maxReplicas <= Number(servers));
  const compose = readFileSync(join(ROOT, 'deploy', 'compose', 'postgresql.conf'), 'utf8');
  assert.ok(Number(/^max_connections = (\d+)/m.exec(compose)?.[1]) >= needed(2, 1));
});

test('the values that the chart knows are those of its schema', () => {
  type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly $ref?: string };
  const schema = JSON.parse(read('values.schema.json')) as Schema;
  const known = (value: unknown, at: Schema | undefined, path: string): string[] => {
    if (at === undefined) return [path];
    if (at.properties === undefined || typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) =>
      known(inner, at.properties?.[key], `${path}.${key}`),
    );
  };
  for (const file of ['values.yaml', ...EXAMPLES.map((example) => `examples/${example}`)])
    assert.deepEqual(known(parse(read(file)), schema, ''), [], file);
});
