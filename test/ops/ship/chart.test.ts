// helm makes of the chart what is printed in test/golden/chart, refuses values that contradict each other, and Kubernetes takes it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { EXAMPLES, printedFile, renderExample, runHelm } from '../../../scripts/chart.ts';
import { findProgram } from '../../../scripts/dev/install.ts';
import { findHelm } from '../../../scripts/ops/parts/helm.ts';
import { mustRun } from '../../must-run.ts';
import { orSkip } from '../../skip.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const validator = orSkip(
  await findProgram(
    {
      folder: join(ROOT, '.cache', 'kubernetes-validate-1.37.0'),
      requirements: join(import.meta.dirname, 'kubernetes-validate-requirements.txt'),
      // The program beside it names the folder that it was installed in, and has moved since.
      program: 'bin/python3',
      title: 'kubernetes-validate 1.37.0',
    },
    console.error,
  ),
  'kubernetes-validate',
);
const { skip } = orSkip(await findHelm(), 'helm');

for (const example of EXAMPLES) {
  test(`${example}: what Kubernetes takes`, { skip: validator.skip }, async () => {
    // Kinds of operators have no schema there.
    const args = ['-m', 'kubernetes_validate', '--strict', '--no-warn', '--kubernetes-version', '1.37'];
    await mustRun(validator.path, [...args, printedFile(example)]);
  });

  test(`${example}: helm lints it, and makes of it what is printed`, { skip }, async () => {
    assert.equal(await renderExample(example), readFileSync(printedFile(example), 'utf8'));
  });
}

/** What helm says where it stops, or what it makes of the chart with these values. */
const rendered = (...values: readonly string[]) =>
  runHelm('template', ...values.flatMap((value) => ['--set', value])).catch((error: Error) => error.message);

/** Values, each with what helm says of them. */
const REFUSED: readonly (readonly [says: RegExp, ...values: string[]])[] = [
  [
    /server\.autoscaling\.minReplicas \(5\) is more than server\.autoscaling\.maxReplicas \(4\)/,
    ...['server.autoscaling.enabled=true', 'server.autoscaling.minReplicas=5'],
    'server.autoscaling.maxReplicas=4',
  ],
  [/'\/secrets\/name': minLength/, 'secrets.name='],
  [/needs the name of a store in secrets\.external\.store\.name/, 'secrets.external.enabled=true'],
  [/'\/secrets\/optional\/0': value must be one of/, 'secrets.optional[0]=password'],
  [/and redis\.sentinels names no Sentinels/, 'secrets.optional[0]=redis_sentinel_password'],
  [/without otel_exporter_otlp_endpoint/, 'secrets.optional[0]=otel_exporter_otlp_headers'],
  [/edge\.service\.type is ClusterIP/, 'edge.service.externalTrafficPolicy=Local'],
  [/needs a bucket in cloudnativepg\.backups\.destinationPath/, 'cloudnativepg.enabled=true'],
  [
    /cloudnativepg\.enabled makes the database, and postgres\.maxConnections is of one elsewhere/,
    ...['cloudnativepg.enabled=true', 'cloudnativepg.backups.enabled=false', 'postgres.maxConnections=900'],
  ],
  [
    /replica\.enabled needs a standby, and cloudnativepg\.instances is 1/,
    ...['cloudnativepg.enabled=true', 'cloudnativepg.backups.enabled=false', 'cloudnativepg.instances=1'],
    'replica.enabled=true',
  ],
  [
    /open up to 320 connections, and postgres\.maxConnections is 200/,
    ...['postgres.maxConnections=200', 'server.replicas=8'],
  ],
  [/'\/server\/env\/OPS_PORT': false schema/, 'server.env.OPS_PORT=1'],
  [/'\/worker\/env\/OPS_KEY': false schema/, 'worker.env.OPS_KEY=0123456789abcdef'],
  [/'\/edge\/settings': additional properties 'upstreams'/, 'edge.settings.upstreams[0]=x'],
  [/'\/server\/replicas': minimum/, 'server.replicas=0'],
];

for (const [says, ...values] of REFUSED) {
  test(`refused: ${values.join(', ')}`, { skip }, async () => {
    assert.match(await rendered(...values), says);
  });
}

test('all contradictions are named at once', { skip }, async () => {
  const said = await rendered(
    ...[
      'secrets.external.enabled=true',
      'edge.service.externalTrafficPolicy=Local',
      'cloudnativepg.enabled=true',
    ],
  );
  for (const says of [/store\.name/, /ClusterIP/, /destinationPath/]) assert.match(said, says);
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly enablePDB?: boolean;
    readonly postgresql?: object;
    readonly affinity?: object;
    readonly template?: { readonly metadata: { readonly annotations?: Record<string, string> } };
  };
}

const manifestsOf = async (...values: readonly string[]) =>
  parseAllDocuments(await rendered(...values)).map((document) => document.toJS() as Manifest | null);

test('changed settings of the edge start it again', { skip }, async () => {
  const sums = await Promise.all(
    ['0', '1'].map(async (hops) => {
      const manifests = await manifestsOf(`edge.settings.trustedHops=${hops}`);
      const edge = manifests.find((one) => one?.kind === 'Deployment' && one.metadata.name === 'ppuri-edge');
      return edge?.spec.template?.metadata.annotations?.['checksum/settings'];
    }),
  );
  assert.ok(sums[0] && sums[1] && sums[0] !== sums[1], sums.join());
});

test('another version or another password migrates again, and nothing else does', { skip }, async () => {
  const jobOf = async (...values: readonly string[]) =>
    (await manifestsOf(...values)).find((one) => one?.kind === 'Job')?.metadata.name;
  const first = await jobOf();
  assert.equal(await jobOf('server.replicas=5'), first);
  const others = [await jobOf('image.tag=0.2.0'), await jobOf('migrate.again=2026-12-01')];
  assert.equal(new Set([first, ...others]).size, 3);
});

test('a cluster of one instance has nothing that keeps its node from being drained, and nobody to wait for', {
  skip,
}, async () => {
  const manifests = await manifestsOf(
    ...['cloudnativepg.enabled=true', 'cloudnativepg.backups.enabled=false', 'cloudnativepg.instances=1'],
  );
  const cluster = manifests.find((one) => one?.kind === 'Cluster');
  assert.equal(cluster?.spec.enablePDB, false);
  assert.equal(cluster?.spec.affinity, undefined);
  assert.ok(!('synchronous' in (cluster?.spec.postgresql ?? {})));
  const kinds = manifests.map((one) => one?.kind);
  assert.ok(!kinds.includes('ObjectStore') && !kinds.includes('ScheduledBackup'));
});
