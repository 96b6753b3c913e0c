// The OpenAPI documents as other languages' generators read them: a client of every operation, that compiles, and in Python
// one that makes a payout.
import assert from 'node:assert/strict';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { blocksOf, signingModule } from './documented.ts';
import { GO_ENV, goTools, mustRun, python, typescriptTools } from './tools.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const [ANNA, BEN] = [1001, 1002];
const VERSIONS = ['v1', 'v2'];
const LINES = 50;

const documentPath = (version: string) => join(ROOT, 'gen', 'openapi', `wallet.${version}.json`);

/** The operations of a document, each `Service_Rpc`. */
function operationsOf(version: string): string[] {
  const { paths } = JSON.parse(readFileSync(documentPath(version), 'utf8'));
  return Object.values(paths).flatMap((verbs) =>
    Object.values(verbs as object).map(({ operationId }) => String(operationId)),
  );
}

/** A name without what generators change in it. */
const plain = (name: string) => name.replaceAll('_', '').toLowerCase();

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-openapi-'));
});
after(() => rmSync(folder, { recursive: true }));

for (const version of VERSIONS) {
  test(`openapi-python-client generates every operation of ${version}`, { skip: python.skip }, async () => {
    const client = join(folder, `wallet_${version}`);
    const output = await generatePython(version, client);
    assert.doesNotMatch(output, /warning|unable/i);
    const modules = globSync('api/*/*.py', { cwd: client }).filter((file) => !file.endsWith('__init__.py'));
    const names = modules.map((file) => plain(file.split('/').at(-1)?.replace(/\.py$/, '') ?? ''));
    assert.deepEqual(names.toSorted(), operationsOf(version).map(plain).toSorted());
    await mustRun(python.path, ['-m', 'compileall', '-q', client]);
  });

  test(`oapi-codegen generates every operation of ${version}, and Go compiles it`, {
    skip: goTools.skip,
  }, async () => {
    const module = join(folder, `go-${version}`);
    mkdirSync(module);
    for (const file of ['go.mod', 'go.sum']) cpSync(join(import.meta.dirname, file), join(module, file));
    const file = join(module, 'client.go');
    const kinds = ['-generate', 'types,client', '-package', version, '-o', file];
    await mustRun(join(goTools.path, 'oapi-codegen'), [...kinds, documentPath(version)]);
    const made = [...readFileSync(file, 'utf8').matchAll(/^func \(c \*Client\) ([A-Z]\w+)\(/gm)];
    const names = new Set(made.map(([, name = '']) => plain(name.replace(/WithBody$/, ''))));
    assert.deepEqual([...names].toSorted(), operationsOf(version).map(plain).toSorted());
    await mustRun('go', ['vet', '.'], { cwd: module, env: GO_ENV });
  });

  test(`openapi-typescript generates every operation of ${version}, and TypeScript compiles it`, {
    skip: typescriptTools.skip,
  }, async () => {
    const file = join(folder, `wallet-${version}.d.ts`);
    const bin = join(typescriptTools.path, 'node_modules', '.bin');
    await mustRun(join(bin, 'openapi-typescript'), [documentPath(version), '-o', file]);
    const [, operations = ''] = readFileSync(file, 'utf8').split('export interface operations {');
    const names = [...operations.matchAll(/^ {4}(\w+): \{$/gm)].map(([, name]) => name);
    assert.deepEqual(names.toSorted(), operationsOf(version).toSorted());
    await mustRun(join(bin, 'tsc'), ['--strict', '--noEmit', '--skipLibCheck', 'false', file]);
  });
}

function generatePython(version: string, client: string): Promise<string> {
  const args = ['-m', 'openapi_python_client', 'generate', '--meta', 'none', '--overwrite'];
  const path = `${dirname(python.path)}${delimiter}${process.env.PATH}`;
  return mustRun(python.path, [...args, '--path', documentPath(version), '--output-path', client], {
    cwd: folder,
    env: { ...process.env, PATH: path },
  });
}

test('a generated Python client makes a payout and watches it to its end, through the edge', {
  skip: python.skip || withoutEdge || withoutRedis,
}, async (t) => {
  const stack = await startStack({ edge: true });
  t.after(() => stack.stop());
  await stack.addUsers([ANNA, BEN]);
  await stack.fund([ANNA], 100_000);
  await generatePython('v2', join(folder, 'wallet_v2'));
  writeFileSync(join(folder, 'signing.py'), signingModule());
  const [program = ''] = blocksOf('docs/clients.md', 'python').filter((block) =>
    block.includes('create_payout'),
  );
  writeFileSync(join(folder, 'payout.py'), program);
  const redis = await startOwnRedis();
  t.after(() => redis.stop());
  const worker = await startWorkerProcess(workerEnv(stack.database, redis.url));
  t.after(() => worker.stop());
  const output = await mustRun(python.path, [join(folder, 'payout.py')], {
    cwd: folder,
    env: { ...process.env, PPURI: stack.restUrl, ...keyOf(stack), PYTHONDONTWRITEBYTECODE: '1' },
  });
  assert.match(output, new RegExp(`PAYOUT_STATE_DONE: ${LINES} of ${LINES} paid`));
  const balances = await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, { userId: `${BEN}` });
  assert.equal(balances.body.balance, `${LINES * 100}`);
});

function keyOf({ key }: Stack): Record<string, string> {
  assert.ok(key.kind === 'hmac-sha256');
  return { KEY_ID: key.keyId, SECRET: Buffer.from(key.secret).toString() };
}
