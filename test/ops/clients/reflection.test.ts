// The contracts by reflection, as other languages' own clients read them: grpcurl and Python, both versions of the protocol.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedHeaders } from '../../../clients/typescript/src/headers.ts';
import { SERVICES } from '../../../src/grpc/contracts.ts';
import { signingModule } from '../../clients/documented.ts';
import { mustRun } from '../../must-run.ts';
import { type Stack, startStack } from '../../stack.ts';
import { goTools, python } from './tools.ts';

const ANNA = 1001;
const HEALTH = 'grpc.health.v1.Health';
const DESCRIBED = [...SERVICES, HEALTH].toSorted();

let stack: Stack;
const folder = mkdtempSync(join(tmpdir(), 'ppuri-reflection-'));
before(async () => {
  stack = await startStack({ env: { GRPC_REFLECTION: 'true' } });
  await stack.addUsers([ANNA]);
});
after(async () => {
  rmSync(folder, { recursive: true });
  await stack.stop();
});

interface Described {
  readonly services: Record<string, string[]>;
  readonly messages: Record<string, string[]>;
  readonly files: readonly string[];
}

test('Python resolves every service, message and import, and calls what it found', {
  skip: python.skip,
}, async () => {
  writeFileSync(join(folder, 'signing.py'), signingModule());
  const output = await mustRun(
    python.path,
    [join(import.meta.dirname, 'reflect.py'), stack.grpcAddress, `${ANNA}`],
    {
      env: { ...process.env, ...keyInEnv(), PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
    },
  );
  const found = JSON.parse(output.split('\n').at(-1) ?? '');
  for (const version of ['v1', 'v1alpha']) {
    const { services, messages, files } = found[version] as Described;
    assert.deepEqual(Object.keys(services).toSorted(), DESCRIBED, version);
    assert.ok(services['wallet.v2.PayoutService']?.includes('WatchPayout'));
    assert.deepEqual(messages['wallet.v2.Money'], ['currency_code', 'minor_units']);
    assert.ok(files.includes('wallet/v2/money.proto') && files.includes('buf/validate/validate.proto'));
  }
  assert.equal(found.wallet.wallets[0].user_id, `${ANNA}`);
  assert.deepEqual(found.health, { status: 'SERVING' });
});

const grpcurl = (...args: string[]) => mustRun(join(goTools.path, 'grpcurl'), ['-plaintext', ...args]);

test('grpcurl lists and describes every service', { skip: goTools.skip }, async () => {
  const listed = (await grpcurl(stack.grpcAddress, 'list')).split('\n');
  assert.deepEqual(listed.filter((name) => !name.startsWith('grpc.reflection.')).toSorted(), DESCRIBED);
  for (const name of DESCRIBED) {
    assert.match(await grpcurl(stack.grpcAddress, 'describe', name), /is a service:\nservice/, name);
  }
  const money = await grpcurl(stack.grpcAddress, 'describe', 'wallet.v2.Money');
  // Also the rules of a field, which are options that buf.validate defines.
  assert.match(money, /\.buf\.validate\.field/);
});

test('grpcurl calls an RPC with a signature in its headers', { skip: goTools.skip }, async () => {
  const target = '/wallet.v2.WalletService/ListWallets';
  const request = { method: 'POST', target, body: Buffer.alloc(0) };
  const headers = signedHeaders(request, { userId: `${ANNA}` }, stack.key);
  const flags = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const answer = JSON.parse(await grpcurl(...flags, stack.grpcAddress, target.slice(1)));
  assert.equal(answer.wallets[0].userId, `${ANNA}`);
  assert.match(await grpcurl(stack.grpcAddress, `${HEALTH}/Check`), /SERVING/);
});

function keyInEnv(): Record<string, string> {
  assert.ok(stack.key.kind === 'hmac-sha256');
  return { KEY_ID: stack.key.keyId, SECRET: Buffer.from(stack.key.secret).toString() };
}
