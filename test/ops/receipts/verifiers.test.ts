// The Python verifier: it accepts receipts and refuses them with a bit changed, survives hostile JSON, and names the first bad leaf
// of every attack, as `npm run verify` does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { dumpLog } from '../../../scripts/verify/dump.ts';
import { listVerifiers } from '../../../src/db/transparency/index.ts';
import { mustRun } from '../../must-run.ts';
import { ATTACKS, type AttackedLog, makeAttackedLog } from '../../transparency/attacked-log.ts';
import { makeReceipt } from '../../transparency/receipts.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const VERIFIER = join(ROOT, 'clients', 'python', 'src', 'ppuri', 'transparency.py');

let folder: string;
let log: AttackedLog;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-verifiers-'));
  log = await makeAttackedLog();
});
after(async () => {
  rmSync(folder, { recursive: true });
  await log.stop();
});

/** Runs Python isolated (-I, only its standard library), without leaving compiled files (-B); returns what it says and its exit code. */
async function python(args: readonly string[]): Promise<{ code: number; said: string }> {
  const child = spawn('python3', ['-IB', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, 'close')) as [number];
  return { code, said: (await said).join('') };
}

const written = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

test('the Python verifier accepts a receipt, and none with any one bit changed', async () => {
  const { receipt, verifier } = makeReceipt({ leaf: 5, size: 11 });
  const path = written('receipt.json', JSON.stringify({ receipt }));
  const { code, said } = await python([VERIFIER, path, '--key', verifier]);
  assert.equal(code, 0, said);
  assert.match(said, /transfer of 5000 KRW.*paid by user 1001.*leaf 5 of the log log\.example\/ppuri of 11/s);
  const every = `
import sys
sys.path.insert(0, ${JSON.stringify(join(VERIFIER, '..'))})
import transparency as t
data, keys = open(${JSON.stringify(path)}, "rb").read(), [t.PublicKey.parse(${JSON.stringify(verifier)})]
for bit in range(len(data) * 8):
    flipped = bytearray(data)
    flipped[bit >> 3] ^= 1 << (bit & 7)
    try:
        t.verify_receipt(bytes(flipped), keys)
        sys.exit(f"bit {bit} may be changed")
    except t.VerificationError:
        pass
`;
  assert.deepEqual(await python(['-c', every]), { code: 0, said: '' });
});

test('the Python verifier refuses hostile files with one line, whatever they hold', async () => {
  const { receipt, verifier } = makeReceipt({ leaf: 5, size: 11 });
  const changed = (change: object) => JSON.stringify({ receipt: { ...receipt, ...change } });
  const hostile: readonly (string | Uint8Array)[] = [
    ...['', '['.repeat(60_000), ' '.repeat(10_000_000), 'null', '1e999', '{"receipt":{}}', '{"a":1,"a":2}'],
    Buffer.from([0xff, 0xfe, 0x00]),
    changed({ leaf: '\ud800' }).replace('\ufffd', '\\ud800'),
    changed({ checkpoint: `\ud800${receipt.checkpoint}` }),
    changed({ leaf_index: '9'.repeat(5000) }),
    changed({ sides: [{ ...receipt.sides[0], wallet_id: 5 }] }),
    changed({ inclusion_proof: Array(1000).fill('') }),
  ];
  for (const [index, content] of hostile.entries()) {
    const { code, said } = await python([VERIFIER, written(`hostile-${index}`, content), '--key', verifier]);
    assert.equal(code, 1, said);
    assert.match(said, /^not valid: [^\n]{1,200}\n$/, `${index}`);
  }
  const missing = await python([VERIFIER, join(folder, 'none'), '--key', verifier]);
  assert.match(missing.said, /^cannot read /);
  assert.match((await python([VERIFIER, 'x', '--key', 'name+1+2'])).said, /^not valid: the public key/);
});

test('both verifiers name the first bad leaf of every attack', async () => {
  const keys = (await listVerifiers(log.owner)).flatMap((key) => ['--key', key]);
  let dumps = 0;
  const verify = async (reads: Parameters<typeof dumpLog>[0]['reads'], more: readonly string[]) => {
    const dump = join(folder, `dump-${dumps++}.jsonl`);
    await dumpLog({ reads, archive: undefined }, dump);
    return python([VERIFIER, '--log', dump, ...keys, ...more]);
  };
  const files = ['--checkpoints', log.folder];
  assert.deepEqual(await verify(log.owner, files), { code: 0, said: 'valid: 14 leaves, 2 checkpoints\n' });
  for (const attack of ATTACKS) {
    const [withFiles, alone] = await log.attacked(attack, async (client) => [
      await verify(client, files),
      await verify(client, []),
    ]);
    assert.match(withFiles?.said ?? '', new RegExp(`^first bad leaf: ${attack.leaf}: `), attack.name);
    const seen = attack.withoutFiles === undefined ? /^valid/ : `^first bad leaf: ${attack.withoutFiles}: `;
    assert.match(alone?.said ?? '', new RegExp(seen), attack.name);
  }
});

test('`npm run verify` says the same of receipts and of the log, and reads a file no further than a receipt goes', async () => {
  const { receipt, verifier } = makeReceipt({ leaf: 5, size: 11 });
  const path = written('for-node.json', JSON.stringify({ receipt }));
  const script = join(ROOT, 'scripts', 'verify.ts');
  const said = await mustRun(process.execPath, [script, path, '--key', verifier]);
  assert.match(said, /^valid: transfer [^\n]*5000 KRW/);
  await assert.rejects(
    mustRun(process.execPath, [script, written('large', ' '.repeat(10_000_000)), '--key', verifier]),
    /larger than 65536/,
  );
});
