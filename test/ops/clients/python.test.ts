// The Python client as an installed package: its types, its signatures, what it decides by itself, and its README's programs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type SigningKey, signRequest } from '../../../clients/typescript/src/signature.ts';
import { blocksOf } from '../../clients/documented.ts';
import { withoutRedis } from '../../redis/own-redis.ts';
import { unsignedRequests } from '../../signatures/random-requests.ts';
import { VECTORS } from '../../signatures/rfc-vectors.ts';
import { withoutEdge } from '../../skip.ts';
import { signatureCases } from '../../webhooks/signature-cases.ts';
import { clientPython, type InstalledClient, installPythonClient } from './python-client.ts';
import { type ScenarioProduct, startScenarioProduct } from './scenario-product.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PACKAGE = join(ROOT, 'clients', 'python');
const PROGRAMS = join(import.meta.dirname, 'python');
const { skip } = clientPython;

let client: InstalledClient;
before(async () => {
  if (!skip) client = await installPythonClient();
});
after(() => client?.remove());

test('it is typed, and mypy and ruff find nothing in it, its tests and its README', { skip }, async () => {
  for (const [index, program] of blocksOf('clients/python/README.md', 'python').entries())
    writeFileSync(join(client.folder, `readme_${index}.py`), program);
  assert.ok(existsSync(join(client.site, 'ppuri', 'py.typed')));
  const programs = [
    ...globSync('*.py', { cwd: PROGRAMS }).map((name) => join(PROGRAMS, name)),
    'readme_0.py',
  ];
  const strict = ['-m', 'mypy', '--strict', '--cache-dir', join(client.folder, 'mypy')];
  await client.run([...strict, '--package', 'ppuri']);
  await client.run([...strict, ...programs], { MYPYPATH: client.site });
  const config = ['--no-cache', '--config', join(PACKAGE, 'pyproject.toml')];
  await client.run(['-m', 'ruff', 'check', ...config, PACKAGE, ...programs]);
  await client.run(['-m', 'ruff', 'format', '--check', ...config, PACKAGE, PROGRAMS]);
});

test('a call that the types do not allow is found by mypy', { skip }, async () => {
  const wrong =
    'import ppuri\nppuri.connect("a:1").call(ppuri.v1.WalletService.GetBalance, ppuri.v1.TransferRequest())\n';
  writeFileSync(join(client.folder, 'wrong.py'), wrong);
  const checked = client.run(['-m', 'mypy', '--strict', '--cache-dir', 'mypy', 'wrong.py'], {
    MYPYPATH: client.site,
  });
  await assert.rejects(checked, /wrong\.py:2: error/);
});

test('what it decides by itself: retries, budgets, streams, routes', { skip }, async () => {
  await client.run([join(PROGRAMS, 'behaviour.py')]);
});

test('it signs as RFC 9421 says, and to the byte as the TypeScript client does', { skip }, async () => {
  const requests = fc.sample(unsignedRequests, 300);
  const signed = await sign({
    vectors: VECTORS.map(({ signing, base }) => ({ key: plainKey(signing), base })),
    requests: requests.map(({ key, body, ...rest }) => ({
      ...rest,
      key: plainKey(key),
      body: Buffer.from(body).toString('base64'),
    })),
  });
  assert.deepEqual(
    signed.vectors,
    VECTORS.map(({ signature }) => signature.replace(/^.*?=:(.*):$/, '$1')),
  );
  assert.deepEqual(signed.requests, requests.map(signRequest));
});

test('it takes and refuses requests to webhooks as the TypeScript client does, and as the published library', {
  skip,
}, async () => {
  const cases = signatureCases();
  const judged = (await runJson('webhooks.py', cases)) as { ours: boolean; library: boolean }[];
  assert.deepEqual(
    judged.map((verdict, index) => ({ name: cases[index]?.name, ...verdict })),
    cases.map(({ name, isRight }) => ({ name, ours: isRight, library: isRight })),
  );
});

test('it shares a process with other code of wallet.v2, and brings no package of another name', {
  skip,
}, async () => {
  const names = globSync('*/', { cwd: client.site }).filter((name) => !name.endsWith('.dist-info'));
  assert.deepEqual(names, ['ppuri']);
  const program = [
    'from google.protobuf.descriptor_pb2 import FileDescriptorProto',
    'from google.protobuf.descriptor_pool import Default',
    'other = FileDescriptorProto(name="wallet/v2/money.proto", package="wallet.v2", syntax="proto3")',
    'other.message_type.add(name="Money").field.add(name="other", number=9, type=9, label=1)',
    'Default().AddSerializedFile(other.SerializeToString())',
    'import ppuri',
    'assert ppuri.v2.Money(minor_units=5).minor_units == 5',
  ];
  await client.run(['-c', program.join('\n')]);
});

test('the programs of its README run', { skip: skip || withoutEdge || withoutRedis }, async (t) => {
  const product = await startScenarioProduct();
  t.after(() => product.stop());
  assert.deepEqual(await product.addUsers(2), [1001, 1002]);
  const outputs = await runAll(product);
  assert.match(outputs[0] ?? '', /^99500 KRW left$/m);
  assert.match(outputs[1] ?? '', /^50 of 50 paid$/m);
  assert.match(outputs[2] ?? '', /^BALANCE_TOO_LOW \[.*\] [\w-]+$/m);
});

async function runAll(product: ScenarioProduct): Promise<string[]> {
  const outputs: string[] = [];
  for (const program of blocksOf('clients/python/README.md', 'python'))
    outputs.push(await client.run(['-c', program], product.env));
  return outputs;
}

test('nothing of building it is left in the clone', { skip }, () => {
  const left = globSync(['**/*.egg-info', '**/build', '**/dist', '**/__pycache__'], { cwd: PACKAGE });
  assert.deepEqual(left, []);
});

/** A key as signing.py reads it. */
function plainKey(key: SigningKey): Record<string, string> {
  const { keyId } = key;
  return key.kind === 'ed25519'
    ? { keyId, pem: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    : { keyId, secret: Buffer.from(key.secret).toString('base64') };
}

async function sign(given: object): Promise<{ vectors: string[]; requests: unknown[] }> {
  return (await runJson('signing.py', given)) as { vectors: string[]; requests: unknown[] };
}

/** What a program prints, in JSON, for what it gets on stdin. */
async function runJson(program: string, given: object): Promise<unknown> {
  const child = spawn(clientPython.path, [join(PROGRAMS, program)], {
    env: { ...process.env, ...client.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  child.stdin.end(JSON.stringify(given));
  const text = Buffer.concat(await child.stdout.toArray()).toString();
  await ended;
  return JSON.parse(text);
}
