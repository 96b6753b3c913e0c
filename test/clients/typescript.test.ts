// The TypeScript client as an installed package: packed, without this repository's sources, in JavaScript and typed.
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mustRun } from '../must-run.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { blocksOf } from './documented.ts';
import { type ClientProject, installPackage, MODULES, PACKAGE, ROOT } from './installed-package.ts';

const [ANNA, BEN] = [1001, 1002];

let project: ClientProject;
let stack: Stack;
before(async () => {
  project = await installPackage(['@types/node']);
  stack = await startStack({ edge: withoutEdge === false });
  await stack.addUsers([ANNA, BEN]);
  await stack.fund([ANNA], 100_000);
});
after(async () => {
  project.remove();
  await stack?.stop();
});

/** The one block of the package's README in a language. */
function program(language: string): string {
  const [found = '', ...more] = blocksOf(join(PACKAGE, 'README.md'), language);
  assert.ok(found !== '' && more.length === 0, `the README has one block of ${language}`);
  return found;
}

async function environment(): Promise<NodeJS.ProcessEnv> {
  assert.ok(stack.key.kind === 'hmac-sha256');
  const { body } = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, { userId: `${ANNA}` });
  const [wallet] = body.wallets as { wallet_id: string }[];
  return {
    PPURI: stack.restUrl,
    PPURI_GRPC: stack.grpcAddress,
    KEY_ID: stack.key.keyId,
    SECRET: Buffer.from(stack.key.secret).toString(),
    WALLET_ID: wallet?.wallet_id,
  };
}

test('the first call of the README moves money over gRPC and REST, without a loader of TypeScript', {
  skip: withoutEdge,
}, async () => {
  writeFileSync(join(project.folder, 'first-call.js'), program('js'));
  const output = await project.run('first-call.js', await environment());
  assert.match(output, /^(\d+) KRW left\n2 transactions\n(\d+) KRW left\n3 transactions$/);
  const [left = 0, leftThen = 0] = [...output.matchAll(/(\d+) KRW left/g)].map(([, digits]) =>
    Number(digits),
  );
  assert.equal(left - leftThen, 500);
});

test('the typed program of the README compiles strictly, and moves money', async () => {
  writeFileSync(join(project.folder, 'typed.ts'), program('ts'));
  const settings = {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    types: ['node'],
    skipLibCheck: false,
  };
  writeFileSync(
    join(project.folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: settings, files: ['typed.ts'] }),
  );
  await mustRun(join(MODULES, '.bin', 'tsc'), ['-p', project.folder]);
  const output = await project.run('typed.js', await environment());
  assert.match(output, /^typed: \d+ left$/);
});

test('a typed client of every service of wallet.v1 and wallet.v2 is exported', () => {
  const services = globSync('wallet/*/*_service.ts', { cwd: join(ROOT, 'gen', 'ts') });
  const index = readFileSync(join(ROOT, PACKAGE, 'src', 'index.ts'), 'utf8');
  assert.ok(services.length >= 10);
  assert.deepEqual(
    services.filter((file) => !index.includes(`gen/ts/${file}'`)),
    [],
  );
});

test('the types are real: a call that they do not allow does not compile', async () => {
  writeFileSync(
    join(project.folder, 'wrong.ts'),
    "import { connect } from '@ppuri/client';\nconnect(50051);\n",
  );
  const checked = mustRun(
    join(MODULES, '.bin', 'tsc'),
    ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', 'wrong.ts'],
    { cwd: project.folder },
  );
  await assert.rejects(checked, /wrong\.ts.*TS2345/s);
});
