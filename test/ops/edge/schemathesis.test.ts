// Strangers' requests by the hundred, made from the OpenAPI documents by schemathesis: none ends in a fault of ours, and
// every answer is one that the documents promise.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../../scripts/dev/install.ts';
import { actingAs, withKey } from '../../api.ts';
import type { Json } from '../../api-client.ts';
import { readMetrics, sumOf } from '../../runtime/ops-client.ts';
import { orSkip, withoutEdge } from '../../skip.ts';
import { type Stack, startStack } from '../../stack.ts';

const VERSION = '4.32.5';
/**
 * Random requests for each operation, besides the fifty or so that cover its schema. SCHEMATHESIS_EXAMPLES=100 looks
 * further; making one costs Python 50 ms.
 */
const EXAMPLES = process.env.SCHEMATHESIS_EXAMPLES ?? '10';
const ANNA = 1001;
const BEN = 1002;
const HERE = import.meta.dirname;

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'missing_required_header',
  // Of hooks.py: no status but those that are listed, whatever the default promises.
  'documented_status',
];

const schemathesis = orSkip(
  await findProgram(
    {
      folder: fileURLToPath(new URL(`../../../.cache/schemathesis-${VERSION}`, import.meta.url)),
      requirements: join(HERE, 'schemathesis-requirements.txt'),
      // The programs beside it name the folder that they were installed in, and have moved since.
      program: 'bin/python3',
      title: `schemathesis ${VERSION}`,
    },
    console.error,
  ),
  'schemathesis',
);
const skip = schemathesis.skip || withoutEdge;

let stack: Stack;
let existing: Record<string, string[]>;
const folder = mkdtempSync(join(tmpdir(), 'ppuri-schemathesis-'));
before(async () => {
  if (skip) return;
  stack = await startStack({ edge: true });
  await stack.addUsers([ANNA, BEN]);
  await stack.addRoom('demo', [ANNA, BEN]);
  await stack.fund([ANNA, BEN], 1_000_000_000_000_000);
  const wallets = (await Promise.all([ANNA, BEN].map(walletsOf))).flat();
  const [anna, ben] = [String(ANNA), String(BEN)];
  existing = {
    ...{ 'x-user-id': [anna], user_id: [anna, ben], to_user_id: [ben], friend_user_id: [ben] },
    ...{ 'x-room-id': ['demo'], room_id: ['demo'], currency_code: ['KRW'] },
    ended_payout_id: [await endedPayout(ANNA, String(wallets[0]))],
    ...{ wallet_id: wallets, wallet_ids: wallets, debit_wallet_id: wallets, credit_wallet_id: wallets },
  };
});
after(async () => {
  rmSync(folder, { recursive: true });
  await stack?.stop();
});

async function walletsOf(user: number): Promise<string[]> {
  const answer = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, actingAs(user));
  return answer.list('wallets').map(({ wallet_id: id }) => String(id));
}

async function endedPayout(user: number, wallet_id: string): Promise<string> {
  const call = async (name: string, request: Json) => {
    const identity = withKey(user);
    const answer = await stack.grpc.call(`wallet.v2.PayoutService/${name}`, request, identity);
    return String(answer.at('payout', 'payout_id'));
  };
  const payout_id = await call('CreatePayout', { wallet_id, mode: 'PAYOUT_MODE_EACH' });
  return call('CancelPayout', { payout_id });
}

async function answeredOk(): Promise<number> {
  const samples = await readMetrics(`http://127.0.0.1:${stack.app.opsPort}`);
  return sumOf(samples, 'ppuri_rpc_duration_seconds_count', { code: 'OK' });
}

for (const name of ['wallet.v1', 'wallet.v2']) {
  test(`${name} keeps what its document promises`, { skip, timeout: 280_000 }, async () => {
    const before = await answeredOk();
    const document = fileURLToPath(new URL(`../../../gen/openapi/${name}.json`, import.meta.url));
    const { code, output } = await run([
      ...['run', document, '--url', stack.restUrl, '--checks', CHECKS.join(',')],
      // The same requests in every run, but for those that repeat an id out of an earlier answer.
      ...['--phases', 'examples,coverage,fuzzing', '--max-examples', EXAMPLES, '--seed', '1'],
      // One at a time: Python 3.11 trips over its own parser where several threads use it (python/cpython#106905).
      ...['--workers', '1', '--continue-on-failure'],
      // Streams that do not end by themselves: their scenarios try what they refuse.
      ...['--exclude-path-regex', ':(watch|stream)$'],
    ]);
    assert.equal(code, 0, output.slice(-8000));
    // If signatures were wrong, every answer would be a 401, and every one of them documented. An operation that the
    // drawn ids are not allowed, 403, is another matter.
    assert.doesNotMatch(output, /401 Unauthorized/);
    // How many calls succeed is up to the ids that are drawn, and differs from run to run.
    const accepted = (await answeredOk()) - before;
    assert.ok(accepted > 20, `only ${accepted} calls were accepted: the run tested refusals only`);
  });
}

function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  assert.ok(stack.key.kind === 'hmac-sha256');
  const env = {
    ...process.env,
    PYTHONPATH: HERE,
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONHASHSEED: '0',
    SCHEMATHESIS_HOOKS: 'hooks',
    EXISTING: JSON.stringify(existing),
    KEY_ID: stack.key.keyId,
    SECRET: Buffer.from(stack.key.secret).toString(),
  };
  const child = spawn(schemathesis.path, ['-m', 'schemathesis.cli', ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
