// The OpenAPI documents as other languages' generators read them: a client of every operation, that compiles.
import assert from 'node:assert/strict';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { GO_ENV } from '../../../scripts/ops/install.ts';
import { mustRun } from '../../must-run.ts';
import { goTools, python, typescriptTools } from './tools.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const VERSIONS = ['v1', 'v2'];

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
    const { client, output } = await runPythonGenerator(version);
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

async function runPythonGenerator(version: string) {
  const client = join(folder, `wallet_${version}`);
  const args = ['-m', 'openapi_python_client', 'generate', '--meta', 'none', '--overwrite'];
  const path = `${dirname(python.path)}${delimiter}${process.env.PATH}`;
  const output = await mustRun(
    python.path,
    [...args, '--path', documentPath(version), '--output-path', client],
    { cwd: folder, env: { ...process.env, PATH: path } },
  );
  return { client, output };
}
