// The TypeScript client as an installed package: packed, without this repository's sources, in JavaScript and typed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { metadataOf, signingInterceptor } from '../../clients/typescript/src/interceptor.ts';
import { PayoutServiceClient, type WatchPayoutResponse } from '../../gen/ts/wallet/v2/payout_service.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { blocksOf } from './documented.ts';
import { mustRun } from './tools.ts';

const PACKAGE = 'clients/typescript';
const ROOT = join(import.meta.dirname, '..', '..');
const MODULES = join(ROOT, 'node_modules');
const [ANNA, BEN] = [1001, 1002];

const folder = mkdtempSync(join(tmpdir(), 'ppuri-client-'));
const installed = join(folder, 'node_modules', '@ppuri', 'client');
let stack: Stack;
before(async () => {
  await install();
  stack = await startStack({ edge: withoutEdge === false });
  await stack.addUsers([ANNA, BEN]);
  await stack.fund([ANNA], 100_000);
});
after(async () => {
  rmSync(folder, { recursive: true });
  await stack?.stop();
});

/** Packs the client and installs it in an empty project; its dependencies are linked, so that no registry is needed. */
async function install(): Promise<void> {
  const env = { ...process.env, PATH: `${join(MODULES, '.bin')}:${process.env.PATH}` };
  await mustRun('npm', ['pack', '--pack-destination', folder], { cwd: join(ROOT, PACKAGE), env });
  mkdirSync(installed, { recursive: true });
  const tarball = join(folder, 'ppuri-client-0.1.0.tgz');
  await mustRun('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  // Only what package.json names: an import of anything else fails.
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(MODULES, name), link);
  }
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}\n');
}

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
    ...process.env,
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
  writeFileSync(join(folder, 'first-call.js'), program('js'));
  const output = await mustRun(process.execPath, ['--no-strip-types', 'first-call.js'], {
    cwd: folder,
    env: await environment(),
  });
  assert.match(output, /^gRPC: (\d+) KRW left\nREST: HTTP 200, (\d+) left$/);
  const [left = 0, leftThen = 0] = [...output.matchAll(/(\d+) (?:KRW )?left/g)].map(([, digits]) =>
    Number(digits),
  );
  assert.equal(left - leftThen, 500);
});

test('the typed program of the README compiles strictly, and moves money', async () => {
  writeFileSync(join(folder, 'typed.ts'), program('ts'));
  const settings = {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    types: ['node'],
    skipLibCheck: false,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: settings, files: ['typed.ts'] }),
  );
  await mustRun(join(MODULES, '.bin', 'tsc'), ['-p', folder]);
  const output = await mustRun(process.execPath, ['--no-strip-types', 'typed.js'], {
    cwd: folder,
    env: await environment(),
  });
  assert.match(output, /^typed: \d+ left$/);
});

test('the interceptor signs streams, too', async () => {
  const { WALLET_ID } = await environment();
  const request = { wallet_id: WALLET_ID ?? '', mode: 'PAYOUT_MODE_EACH' };
  const identity = { userId: `${ANNA}`, idempotencyKey: crypto.randomUUID() };
  const { body } = await stack.grpc.call('wallet.v2.PayoutService/CreatePayout', request, identity);
  const { payout_id: payoutId } = body.payout as { payout_id: string };
  const interceptors = [signingInterceptor(stack.key)];
  const client = new PayoutServiceClient(stack.grpcAddress, credentials.createInsecure(), { interceptors });
  const call = client.watchPayout({ payoutId }, metadataOf({ userId: `${ANNA}` }));
  const [first] = (await once(call, 'data')) as [WatchPayoutResponse];
  assert.equal(first.payout?.payoutId, payoutId);
  call.on('error', () => {});
  call.cancel();
  client.close();
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
  writeFileSync(join(folder, 'wrong.ts'), "import { connect } from '@ppuri/client';\nconnect(50051);\n");
  const checked = mustRun(
    join(MODULES, '.bin', 'tsc'),
    ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', 'wrong.ts'],
    { cwd: folder },
  );
  await assert.rejects(checked, /wrong\.ts.*TS2345/s);
});
