// deploy/compose.yaml says of variables, ports, paths and secrets what the code knows, and its edge is a configuration for Envoy.
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type EdgeSettings, renderEdge } from '../../envoy/render.ts';
import { PROGRAMS } from '../../scripts/cli/variables.ts';
import { listVariables } from '../../src/runtime/env.ts';
import { mustRun } from '../must-run.ts';
import { withoutEdge } from '../skip.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEPLOY = join(ROOT, 'deploy');
const read = (file: string) => readFileSync(join(DEPLOY, file), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: { readonly args: Readonly<Record<string, string>> };
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly disable?: boolean };
  readonly restart: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly user?: string;
  readonly deploy?: { readonly resources: { readonly limits: object } };
}

const compose = parse(read('compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: object;
  readonly networks: object;
};
const SERVICES = Object.entries(compose.services);
const PROGRAM_NAMES = [...read('../scripts/ppuri.ts').matchAll(/^ {2}'?([\w-]+)'?: \(\) => import/gm)].map(
  ([, name]) => name,
);

/** The program of ppuri that a service runs, if it runs one. */
function programOf({ image, entrypoint = [], command = [] }: Service): string | undefined {
  if (!image.startsWith('ppuri')) return undefined;
  if (entrypoint.length > 0 && !entrypoint.includes('/ppuri/dist/scripts/ppuri.js')) return undefined;
  return entrypoint.at(-1) ?? command[0];
}

const programs = SERVICES.flatMap(([name, service]) => {
  const program = programOf(service);
  return program === undefined ? [] : [{ name, service, program }];
});

test('each program is one of the image’s, and has the variables that it requires and no others', () => {
  assert.deepEqual(
    new Set(programs.map(({ program }) => program)),
    new Set(['server', 'worker', 'migrate', 'keys', 'backup', 'edge']),
  );
  for (const { name, service, program } of programs) {
    assert.ok(PROGRAM_NAMES.includes(program), program);
    const variables = listVariables(PROGRAMS[program] ?? {});
    const given = Object.keys(service.environment ?? {});
    for (const variable of variables) {
      const file = `${variable.name}_FILE`;
      if (variable.isRequired)
        assert.ok(given.includes(variable.isSecret ? file : variable.name), `${name}: ${variable.name}`);
      if (variable.isSecret)
        assert.ok(!given.includes(variable.name), `${name}: ${variable.name} is not in a file`);
    }
    const known = variables.map((variable) => (variable.isSecret ? `${variable.name}_FILE` : variable.name));
    assert.deepEqual(
      given.filter((variable) => !known.includes(variable)),
      [],
      name,
    );
  }
});

test('a value of a variable is one that the program takes', () => {
  const example = settingsOf(read('.env.example'));
  for (const { name, service, program } of programs) {
    for (const { name: variable, parse: parseValue, isSecret } of listVariables(PROGRAMS[program] ?? {})) {
      const given = service.environment?.[variable];
      if (given === undefined || isSecret) continue;
      const value = String(given).replace(/\$\{(\w+)\}/g, (_, setting: string) => example.get(setting) ?? '');
      if (value !== '') assert.notEqual(parseValue(value), undefined, `${name}: ${variable}=${value}`);
    }
  }
});

test('secrets are mounted where they are read, and the script makes each of them', async () => {
  for (const [name, { environment = {}, secrets = [], entrypoint = [] }] of SERVICES) {
    const texts = [...Object.values(environment).map(String), ...entrypoint, ...scriptsOf(name)];
    const readSecrets = texts.flatMap((text) =>
      [...text.matchAll(/\/run\/secrets\/(\w+)/g)].map(([, secret]) => secret),
    );
    assert.deepEqual(new Set(secrets), new Set(readSecrets), name);
  }
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-compose-'));
  try {
    cpSync(join(DEPLOY, 'compose'), join(folder, 'compose'), { recursive: true });
    await mustRun('sh', [join(folder, 'compose', 'make-secrets.sh')]);
    const made = readdirSync(join(folder, 'secrets'));
    assert.deepEqual(made.toSorted(), Object.keys(compose.secrets).toSorted());
    for (const [name, { file }] of Object.entries(compose.secrets)) assert.equal(file, `./secrets/${name}`);
    const secretOf = (name: string) => readFileSync(join(folder, 'secrets', name), 'utf8');
    for (const { service, program } of programs)
      for (const variable of listVariables(PROGRAMS[program] ?? {})) {
        const path = String(service.environment?.[`${variable.name}_FILE`] ?? '');
        if (path)
          assert.notEqual(
            variable.parse(secretOf(path.slice('/run/secrets/'.length))),
            undefined,
            variable.name,
          );
      }
    assert.equal(statSync(join(folder, 'secrets')).mode & 0o777, 0o700);
    await holdsWhatIsThere(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The script makes what is missing, changes nothing that is there, and never seals with another key. */
async function holdsWhatIsThere(folder: string): Promise<void> {
  const script = join(folder, 'compose', 'make-secrets.sh');
  const contents = () =>
    readdirSync(join(folder, 'secrets')).map((name) => [
      name,
      readFileSync(join(folder, 'secrets', name), 'utf8'),
    ]);
  const before = contents();
  assert.match(await mustRun('sh', [script]), /made now: nothing/);
  assert.deepEqual(contents(), before);
  // As after an interruption: what is derived from a secret still follows from it.
  for (const name of ['app_url', 'worker_password', 'worker_url']) rmSync(join(folder, 'secrets', name));
  assert.match(await mustRun('sh', [script]), /made now: worker_password app_url worker_url$/);
  const changed = ['worker_password', 'worker_url'];
  assert.deepEqual(
    contents().filter(([name = '']) => !changed.includes(name)),
    before.filter(([name = '']) => !changed.includes(name)),
  );
  await withoutOpenssl(folder, script);
  rmSync(join(folder, 'secrets', 'key_encryption_keys'));
  await assert.rejects(mustRun('sh', [script]), /no key_encryption_keys any more: put it back/);
}

/** Where openssl fails in the middle, the script fails, and leaves nothing that is not whole. */
async function withoutOpenssl(folder: string, script: string): Promise<void> {
  for (const name of ['monitor_password', 'redis_password']) rmSync(join(folder, 'secrets', name));
  writeFileSync(join(folder, 'openssl'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  await assert.rejects(mustRun('sh', [script], { env }));
  const names = readdirSync(join(folder, 'secrets'));
  assert.ok(!names.some((name) => name.startsWith('.') || /monitor|redis_p/.test(name)), names.join());
  assert.match(await mustRun('sh', [script]), /made now: monitor_password redis_password$/);
}

/** The scripts that run in a container, besides its entry point. */
function scriptsOf(service: string): string[] {
  const mounts = compose.services[service]?.volumes ?? [];
  return mounts.flatMap((mount) => (/^\.\/(compose\/[\w-]+\.sh):/.exec(mount)?.slice(1) ?? []).map(read));
}

/** The variables of a file of variables, each with the comment above it. */
function settingsOf(file: string): Map<string, string> {
  return new Map([...file.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}

test('.env.example has each setting of compose.yaml and no other, below a comment', () => {
  const example = read('.env.example');
  const used = new Set([...read('compose.yaml').matchAll(/(?<!\$)\$\{(\w+)\}/g)].map(([, name]) => name));
  assert.deepEqual(new Set(settingsOf(example).keys()), used);
  for (const paragraph of example.trim().split('\n\n')) assert.match(paragraph, /^# \S/);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.equal(settingsOf(example).get('PPURI_VERSION'), version);
});

test('what is mounted, waited for and built with is there', () => {
  const volumes = Object.keys(compose.volumes);
  const args = [...read('../Containerfile').matchAll(/^ARG (\w+)/gm)].map(([, name]) => name);
  for (const [name, service] of SERVICES) {
    for (const mount of service.volumes ?? []) {
      const [source = ''] = mount.split(':');
      assert.ok(
        source.startsWith('/') || volumes.includes(source) || existsSync(join(DEPLOY, source)),
        `${name}: ${source}`,
      );
    }
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      const awaited = compose.services[other];
      assert.ok(awaited, `${name} waits for ${other}`);
      const isOnce = awaited.restart.startsWith('on-failure');
      assert.equal(
        condition,
        isOnce ? 'service_completed_successfully' : 'service_healthy',
        `${name}: ${other}`,
      );
      if (!isOnce) assert.ok(awaited.healthcheck ?? programOf(awaited), `${other} has no health check`);
    }
    for (const arg of Object.keys(service.build?.args ?? {})) assert.ok(args.includes(arg), arg);
  }
});

test('each container is confined and bounded', () => {
  for (const [name, service] of SERVICES) {
    assert.deepEqual([service.cap_drop, service.security_opt], [['ALL'], ['no-new-privileges']], name);
    // Elasticsearch and Kibana write their configuration at the start.
    assert.equal(service.read_only, !['elasticsearch', 'kibana'].includes(name), name);
    if (service.restart === 'unless-stopped')
      assert.ok(service.deploy?.resources.limits, `${name} has no limits`);
    if (programOf(service)) assert.notEqual(service.user, '0:0', name);
    for (const port of service.ports ?? [])
      assert.match(port, /^(?:127\.0\.0\.1:|\$\{(?:REST|GRPC)_ADDRESS\}:)/);
  }
});

test('the edge reaches the servers, Prometheus everything, and Envoy takes the configuration', {
  skip: withoutEdge,
}, async () => {
  const settings = JSON.parse(read('compose/edge.json')) as EdgeSettings;
  const servers = programs.filter(({ name }) => /^server-/.test(name));
  assert.deepEqual(
    settings.upstreams,
    servers.map(({ name, service }) => ({ host: name, port: service.environment?.GRPC_PORT })),
  );
  const published = compose.services.edge?.ports?.map((port) => Number(port.split(':').at(-1)));
  assert.deepEqual(published, [settings.restPort, settings.grpcPort]);
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-compose-'));
  try {
    const config = renderEdge({
      ...settings,
      accessLog: join(folder, 'edge.log'),
      adminSocket: join(folder, 'admin.sock'),
    });
    assert.match(config, /STRICT_DNS/);
    writeFileSync(join(folder, 'envoy.yaml'), config);
    await mustRun(process.env.TEST_ENVOY ?? '', ['--mode', 'validate', '-c', join(folder, 'envoy.yaml')], {
      env: { ...process.env, EDGE_SECRET: 'sixteen characters at least' },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('Prometheus scrapes each program on its ops port, the edge, and what measures the rest', () => {
  const files = readdirSync(join(DEPLOY, 'compose', 'targets'));
  assert.deepEqual(files, readdirSync(join(DEPLOY, 'observability', 'prometheus', 'targets')));
  const targets = files.flatMap((file) =>
    (parse(read(`compose/targets/${file}`)) as { targets: string[] }[]).flatMap((group) => group.targets),
  );
  const scraped = programs.filter(({ service }) => service.environment?.OPS_PORT);
  const expected = [
    ...scraped.map(({ name, service }) => `${name}:${service.environment?.OPS_PORT}`),
    ...[
      'edge:9901',
      'node-exporter:9100',
      'postgres-exporter:9187',
      'redis-exporter:9121',
      'alertmanager:9093',
    ],
    '127.0.0.1:9090',
  ];
  assert.deepEqual(targets.toSorted(), expected.toSorted());
  const inside = targets.map((target) => target.split(':')[0] ?? '').filter((host) => host !== '127.0.0.1');
  for (const name of inside) assert.ok(compose.services[name]?.networks.includes('inside'), name);
});
