// The code in the API reference works: all of it parses, and one call made in each way has one answer.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { readServices } from '../../scripts/api-reference/operations.ts';
import { samplesOf } from '../../scripts/api-reference/samples.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const OPERATIONS = readServices().flatMap(({ operations }) => operations);
/** What no release has yet may still lack its example (api-reference.test.ts). */
const WITH_EXAMPLES = OPERATIONS.filter(({ examples }) => examples.done).length;
const CREATE = OPERATIONS.find(({ name }) => name === 'CreateTransfer');
const [PAYER, PAYEE] = [1001, 1002];

const codeOf = (title: string) =>
  OPERATIONS.flatMap((operation) => {
    const { done } = operation.examples;
    return done ? samplesOf(operation, done).filter((sample) => sample.title === title) : [];
  }).map(({ code }) => code);

let stack: Stack;
let environment: NodeJS.ProcessEnv;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  await stack.addUsers([PAYER, PAYEE]);
  await stack.fund([PAYER], 100_000);
  assert.ok(stack.key.kind === 'hmac-sha256');
  const secret = Buffer.from(stack.key.secret).toString('utf8');
  const keys = [{ keyId: stack.key.keyId, secret, scopes: [] }];
  const info = { keys, grpcAddress: stack.grpcAddress, restUrl: stack.restUrl };
  writeFileSync(join(stack.logDir, 'dev.json'), JSON.stringify(info));
  environment = {
    ...process.env,
    DATA_DIR: stack.logDir,
    PPURI_GRPC: stack.grpcAddress,
    KEY_ID: stack.key.keyId,
    SECRET: secret,
  };
});
after(() => stack.stop());

/** Runs a command in the root of the repository, and reads the one id of a transfer in what it prints. */
async function transferIdOf(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd: ROOT,
    env: environment,
    timeout: 60_000,
  });
  const [id = '', ...others] = new Set(stdout.match(/\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}\b/g));
  assert.ok(id && others.length === 0, stdout);
  return id;
}

test('one call made in TypeScript, with npm run call and with npm run curl has one answer', {
  skip: withoutEdge,
}, async () => {
  if (!CREATE) assert.fail('there is no CreateTransfer any more');
  const request = {
    debit_wallet_id: await stack.as(PAYER).defaultWallet(),
    credit_user_id: String(PAYEE),
    amount: { currency_code: 'KRW', minor_units: '500' },
    memo: 'It\'s "lunch"',
  };
  const identity = { userId: String(PAYER), idempotencyKey: 'lunch' };
  const samples = new Map(
    samplesOf(CREATE, { identity, request, answers: [] }).map(({ title, code }) => [title, code]),
  );
  const client = new URL('../../clients/typescript/src/index.ts', import.meta.url).href;
  const program = join(stack.logDir, 'sample.mts');
  writeFileSync(program, samples.get('TypeScript')?.replace('@ppuri/client', client) ?? '');
  const shell = (title: string, name: string) => {
    const command = samples
      .get(title)
      ?.replace(`npm run ${name} --`, `${process.execPath} scripts/${name}.ts`);
    return transferIdOf('sh', '-c', command ?? '');
  };
  const id = await transferIdOf(process.execPath, program);
  assert.equal(await shell('npm run call (gRPC)', 'call'), id);
  assert.equal(await shell('npm run curl', 'curl'), id);
  assert.equal(await stack.as(PAYEE).balance(), 500);
});

test('every sample in TypeScript parses', () => {
  const codes = codeOf('TypeScript');
  assert.equal(codes.length, WITH_EXAMPLES);
  for (const code of codes) stripTypeScriptTypes(code);
});

test('every sample in Python parses', () => {
  const codes = codeOf('Python');
  assert.equal(codes.length, WITH_EXAMPLES);
  const check = 'import ast, json, sys\nfor code in json.load(sys.stdin): ast.parse(code)';
  const { status, stderr } = spawnSync('python3', ['-c', check], {
    input: JSON.stringify(codes),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});
