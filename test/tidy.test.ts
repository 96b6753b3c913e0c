// Rules of the repository: who may import what, how long files may be, what names look like, and that every RPC has a scenario.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { CONTRACTS } from '../src/grpc/contracts.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  .toString()
  .split('\n')
  .filter((file) => file !== '');
const CODE = FILES.filter((file) => /^(src|test|scripts|bench|clients)\/.*\.(ts|mjs)$/.test(file));

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

interface Import {
  readonly file: string;
  /** A path in this repository, or a package's name. */
  readonly target: string;
}

const IMPORTS: Import[] = CODE.flatMap((file) =>
  [
    ...read(file).matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g,
    ),
  ].map((match) => {
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    return { file, target: name.startsWith('.') ? normalize(join(dirname(file), name)) : name };
  }),
);

const isIn = (path: string, folders: readonly string[]) => folders.some((folder) => path.startsWith(folder));

/** Imports that break a rule, each as `file -> target`. */
const breaking = (isBroken: (edge: Import) => boolean) =>
  IMPORTS.filter(isBroken).map(({ file, target }) => `${file} -> ${target}`);

/** Which folders of src/ a folder of src/ may import from, besides itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'src/domain/': [],
  'src/resilience/': [],
  'src/db/': ['src/domain/', 'src/resilience/'],
  'src/ledger/': ['src/domain/', 'src/db/'],
  'src/signatures/': [],
  'src/transparency/': [],
  'src/keys/': ['src/domain/', 'src/db/', 'src/signatures/', 'src/transparency/'],
  'src/redis/': ['src/domain/', 'src/resilience/'],
  'src/admission/': ['src/domain/', 'src/redis/', 'src/resilience/'],
  'src/cache/': ['src/domain/', 'src/db/', 'src/ledger/', 'src/redis/', 'src/resilience/', 'src/signatures/'],
  'src/repositories/': [
    'src/domain/',
    'src/db/',
    'src/ledger/',
    'src/cache/',
    'src/resilience/',
    'src/transparency/',
  ],
  'src/webhooks/': ['src/domain/', 'src/keys/'],
  'src/usecases/': [
    'src/domain/',
    'src/db/',
    'src/ledger/',
    'src/keys/',
    'src/repositories/',
    'src/webhooks/',
  ],
  'src/worker/jobs/': ['src/domain/', 'src/db/', 'src/usecases/', 'src/worker/job.ts'],
  'src/operator/': ['src/domain/', 'src/keys/', 'src/redis/', 'src/usecases/'],
  'src/server/': [
    'src/domain/',
    'src/db/',
    'src/cache/',
    'src/admission/',
    'src/redis/',
    'src/repositories/',
    'src/keys/',
    'src/usecases/',
    'src/grpc/',
    'src/operator/',
    'src/runtime/',
    'src/worker/config.ts',
  ],
  'src/worker/': [
    'src/domain/',
    'src/db/',
    'src/redis/',
    'src/usecases/',
    'src/runtime/',
    'src/keys/',
    'src/transparency/',
    'src/webhooks/',
    'src/server/config.ts',
  ],
  'src/worker/queue/': ['src/domain/', 'src/db/', 'src/redis/', 'src/worker/job.ts'],
  'src/grpc/': ['src/domain/', 'src/usecases/', 'src/keys/', 'src/admission/', 'src/signatures/', 'gen/'],
  'clients/typescript/': ['gen/'],
  'src/runtime/': [
    'src/domain/',
    'src/db/',
    'src/ledger/',
    'src/redis/',
    'src/cache/',
    'src/admission/',
    'src/resilience/',
    'src/keys/',
    // Types of what its metrics are told.
    'src/grpc/index.ts',
  ],
};

for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
  test(`${folder} imports only itself${allowed.map((name) => `, ${name}`).join('')}`, () => {
    const isOurs = (path: string) => /^(src|gen|scripts|test|bench|clients)\//.test(path);
    const broken = breaking(
      ({ file, target }) => file.startsWith(folder) && isOurs(target) && !isIn(target, [folder, ...allowed]),
    );
    assert.deepEqual(broken, []);
  });
}

test('src/domain/ imports no package either', () => {
  assert.deepEqual(
    breaking(({ file, target }) => file.startsWith('src/domain/') && !target.startsWith('src/domain/')),
    [],
  );
});

/** Packages that only certain places of src/ may import. */
const KEPT_TO: Record<string, readonly string[]> = {
  pg: ['src/db/', 'src/ledger/'],
  sequelize: ['src/db/'],
  umzug: ['src/db/'],
  ioredis: ['src/redis/'],
  opossum: ['src/resilience/'],
  bullmq: ['src/worker/queue/'],
  '@bull-board/api': ['src/worker/queue/'],
  '@bull-board/express': ['src/worker/queue/'],
  '@grpc/grpc-js': ['src/grpc/'],
  pino: ['src/runtime/'],
  'prom-client': ['src/runtime/'],
  // Behind a dynamic import: a process that exports no spans does not load them.
  '@opentelemetry/api': ['src/runtime/tracing/'],
  '@opentelemetry/core': ['src/runtime/tracing/'],
  '@opentelemetry/exporter-trace-otlp-proto': ['src/runtime/tracing/'],
  '@opentelemetry/resources': ['src/runtime/tracing/'],
  '@opentelemetry/sdk-trace': ['src/runtime/tracing/'],
  'structured-headers': ['src/signatures/'],
  // Behind a dynamic import: a worker that sends nothing to Kafka does not load it.
  '@platformatic/kafka': ['src/worker/kafka/'],
};

test('each package is imported only where it belongs', () => {
  const broken = breaking(({ file, target }) => {
    const places = KEPT_TO[target.startsWith('@grpc/grpc-js') ? '@grpc/grpc-js' : target];
    return file.startsWith('src/') && places !== undefined && !isIn(file, places);
  });
  assert.deepEqual(broken, []);
});

test('only src/grpc/ imports generated code', () => {
  const broken = breaking(
    ({ file, target }) =>
      file.startsWith('src/') && target.startsWith('gen/') && !file.startsWith('src/grpc/'),
  );
  assert.deepEqual(broken, []);
});

test('nothing in src/ imports a composition but its own program', () => {
  const broken = breaking(
    ({ file, target }) =>
      file.startsWith('src/') &&
      ['src/server/compose.ts', 'src/worker/compose.ts'].includes(target) &&
      !['src/server/main.ts', 'src/worker/main.ts'].includes(file),
  );
  assert.deepEqual(broken, []);
});

test('no import goes round in a circle', () => {
  const targets = Map.groupBy(
    IMPORTS.filter(({ target }) => target.startsWith('src/')),
    ({ file }) => file,
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const { target } of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

/** Folders of which the others import the index only. Tests may look inside. */
const BEHIND_AN_INDEX = [
  'src/keys/',
  'src/db/archive/',
  'src/db/jobs/',
  'src/db/payouts/',
  'src/worker/jobs/',
  'src/worker/queue/',
  'src/ledger/',
  'src/usecases/',
  'src/admission/',
  'src/cache/',
  'src/operator/',
  'src/redis/',
  'src/repositories/',
  'src/resilience/',
  'src/db/people/',
  'src/db/reads/',
  'src/db/replica/',
  'src/db/webhooks/',
  'src/grpc/',
  'src/grpc/interceptors/',
  'src/grpc/v1/',
  'src/grpc/v2/',
  'src/grpc/admin/',
  'src/signatures/',
  'src/webhooks/',
  'src/worker/webhooks/',
  'src/worker/kafka/',
  'src/transparency/',
  'src/db/transparency/',
];

for (const folder of BEHIND_AN_INDEX) {
  test(`other folders import only the index of ${folder}`, () => {
    const broken = breaking(
      ({ file, target }) =>
        !isIn(file, [folder, 'test/']) && target.startsWith(folder) && target !== `${folder}index.ts`,
    );
    assert.deepEqual(broken, []);
  });
}

/** The file that says what a folder is for: what others import, what starts the program, or a page where files are imported one by one. */
const OPENERS = ['index.ts', 'main.ts', 'README.md'];

test('a folder of src/ says what it is for, unless only its parent imports it', () => {
  const folders = new Set(CODE.filter((file) => /^src\/.*\//.test(file)).map((file) => `${dirname(file)}/`));
  const isPrivate = (folder: string) => {
    const parent = `${dirname(folder)}/`;
    return (
      parent !== 'src/' &&
      IMPORTS.every(({ file, target }) => isIn(file, [parent, 'test/']) || `${dirname(target)}/` !== folder)
    );
  };
  const silent = [...folders].filter((folder) => {
    const opener = OPENERS.map((name) => folder + name).find((name) => FILES.includes(name));
    const sentence =
      opener &&
      read(opener)
        .split('\n')
        .find((line) => /^[^#\s]/.test(line));
    return !isPrivate(folder) && (sentence?.length ?? 0) < 40;
  });
  assert.deepEqual(silent, []);
});

test('other folders import of src/runtime/ its index, or leaves that load no driver', () => {
  const leaves = [
    'index.ts',
    'crash.ts',
    'private-file.ts',
    'run.ts',
    'crypto-random.ts',
    'env.ts',
    'variable-kinds.ts',
    'variables.ts',
  ];
  const broken = breaking(
    ({ file, target }) =>
      !isIn(file, ['src/runtime/', 'test/']) &&
      target.startsWith('src/runtime/') &&
      !leaves.includes(target.slice('src/runtime/'.length)),
  );
  assert.deepEqual(broken, []);
});

test('use cases know types of src/db/ only, and no pool: they read through repositories', () => {
  const imports = CODE.filter((file) => file.startsWith('src/usecases/')).flatMap((file) =>
    [...read(file).matchAll(/^(?:import|export) (type )?[^;]*? from '[./]*(db\/[^']+)'/gm)].map(
      ([, isType, target]) => ({ file, isType: isType !== undefined, target }),
    ),
  );
  assert.ok(imports.length > 0);
  const broken = imports.filter(({ isType, target }) => !isType || target === 'db/pool.ts');
  assert.deepEqual(broken, []);
});

test('the programs do not import the client', () => {
  assert.deepEqual(
    breaking(({ file, target }) => file.startsWith('src/') && target.startsWith('clients/')),
    [],
  );
});

test('v1 and v2 know nothing of each other', () => {
  const broken = breaking(
    ({ file, target }) =>
      (file.startsWith('src/grpc/v1/') && target.includes('/v2/')) ||
      (file.startsWith('src/grpc/v2/') && target.includes('/v1/')),
  );
  assert.deepEqual(broken, []);
});

test('only the two programs read process.env', () => {
  const readers = CODE.filter((file) => file.startsWith('src/') && /process\.env/.test(read(file)));
  assert.deepEqual(
    readers.filter((file) => !['src/server/main.ts', 'src/worker/main.ts'].includes(file)),
    [],
  );
});

test('no file is longer than 400 lines', () => {
  const long = CODE.map((file) => ({ file, lines: read(file).split('\n').length - 1 })).filter(
    ({ lines }) => lines > 400,
  );
  assert.deepEqual(long, []);
});

test('a composition is one page of less than 120 lines', () => {
  for (const file of ['src/server/compose.ts', 'src/worker/compose.ts'])
    assert.ok(read(file).split('\n').length <= 120, file);
});

test('every file opens with a sentence that says what it is for', () => {
  const silent = CODE.filter((file) => !/^\/\/ \S.{10,}/.test(read(file)));
  assert.deepEqual(silent, []);
});

test('the linter refuses functions of more than 60 lines, any, and unused code', () => {
  const rules = JSON.stringify(JSON.parse(read('biome.json')).linter.rules);
  assert.match(rules, /"noExcessiveLinesPerFunction":\{"level":"error","options":\{"maxLines":60/);
  assert.match(rules, /"noExplicitAny":"error"/);
  assert.match(rules, /"noUnusedVariables":"error"/);
});

test('nothing is switched off: no ignored rules, no unchecked types', () => {
  // This line has to name what it looks for, so its own file is the one that is left out.
  const loose = /biome-ignore|@ts-(?:ignore|nocheck|expect-error)|\bas any\b|: any\b/;
  const offenders = CODE.filter((file) => file !== 'test/tidy.test.ts' && loose.test(read(file)));
  assert.deepEqual(offenders, []);
});

test('use cases that look something up before the ledger leave the last word to it', () => {
  // What a use case refuses on its own would be neither answered under its key nor definite.
  const users = CODE.filter((file) => file.startsWith('src/usecases/') && /\bexecute[(<]/.test(read(file)));
  assert.deepEqual(users, ['src/usecases/commands/resolve-and-execute.ts']);
});

test('names are kebab-case, and nothing is called utils, helpers, common or manager', () => {
  const badNames = CODE.filter((file) =>
    file
      .split('/')
      .some((part) => !/^[a-z0-9.-]+$/.test(part) || /\b(utils?|helpers?|common|managers?)\b/.test(part)),
  );
  assert.deepEqual(badNames, []);
});

test('every RPC has a scenario', () => {
  const scenarios = CODE.filter((file) => file.startsWith('test/scenarios/'))
    .map(read)
    .join('\n');
  const missing = [...CONTRACTS.keys()].filter((path) => !scenarios.includes(`'${path.slice(1)}'`));
  assert.deepEqual(missing, [], 'no file of test/scenarios names these');
});

test('src/ has no import cycle', () => {
  const edges = new Map<string, string[]>();
  for (const { file, target } of IMPORTS.filter(({ file }) => file.startsWith('src/'))) {
    edges.set(file, [...(edges.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const cycleFrom = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of edges.get(file) ?? []) {
      const cycle = cycleFrom(target, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return undefined;
  };
  assert.deepEqual(
    [...edges.keys()].map((file) => cycleFrom(file, [])).find((cycle) => cycle !== undefined),
    undefined,
  );
});
