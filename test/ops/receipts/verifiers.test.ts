// The Python verifier: it accepts receipts and refuses them with a bit changed, survives hostile JSON, and names the first bad leaf
// of every attack, as `npm run verify` does. And a library of RFC 9162 trees that is not ours accepts the proofs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { findProgram } from '../../../scripts/dev/install.ts';
import { dumpLog } from '../../../scripts/verify/dump.ts';
import { listVerifiers } from '../../../src/db/transparency/index.ts';
import {
  appendToTiles,
  hashLeaf,
  hashOfTiles,
  inclusionProof,
  treeRoot,
} from '../../../src/transparency/index.ts';
import { mustRun } from '../../must-run.ts';
import { orSkip } from '../../skip.ts';
import { ATTACKS, type AttackedLog, makeAttackedLog } from '../../transparency/attacked-log.ts';
import { makeReceipt } from '../../transparency/receipts.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const VERIFIER = join(ROOT, 'clients', 'python', 'src', 'ppuri', 'transparency.py');
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');

const pymerkle = orSkip(
  await findProgram(
    {
      folder: join(
        ROOT,
        '.cache',
        `pymerkle-${createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)}`,
      ),
      requirements: REQUIREMENTS,
      program: 'bin/python3',
      title: 'a library of Merkle trees',
    },
    console.error,
  ),
  'An independent library of Merkle trees',
);
const { skip } = pymerkle;

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
async function python(args: readonly string[], input = ''): Promise<{ code: number; said: string }> {
  const child = spawn(pymerkle.path, ['-IB', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, 'close')) as [number];
  return { code, said: (await said).join('') };
}

const written = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

test('the Python verifier accepts a receipt, and none with any one bit changed', { skip }, async () => {
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

test('the Python verifier refuses hostile files with one line, whatever they hold', { skip }, async () => {
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

test('both verifiers name the first bad leaf of every attack', { skip }, async () => {
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

test('a library that is not ours has the same roots and proofs, and accepts them', { skip }, async () => {
  const leaves = Array.from({ length: 700 }, (_, n) => `leaf ${n}\n`);
  const hashOf = hashOfTiles(appendToTiles(0, [], leaves.map(hashLeaf)));
  const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex');
  const sizes = [1, 2, 3, 4, 7, 8, 9, 255, 256, 257, 511, 512, 513, 699, 700];
  const inclusion = sizes.flatMap((size) =>
    [0, 1, 2, 100, 255, 256, size - 1]
      .filter((index) => index < size)
      .map((index) => ({
        ...{ index, size },
        root: hex(hashOf(treeRoot(size))),
        proof: inclusionProof(index, size).map((part) => hex(hashOf(part))),
      })),
  );
  const consistency = sizes.flatMap((to) =>
    sizes
      .filter((from) => from < to)
      .map((from) => ({
        from,
        to,
        from_root: hex(hashOf(treeRoot(from))),
        to_root: hex(hashOf(treeRoot(to))),
      })),
  );
  const input = JSON.stringify({ leaves, inclusion, consistency });
  const found = await python([join(import.meta.dirname, 'independent.py')], input);
  assert.deepEqual(found, {
    code: 0,
    said: `${inclusion.length} proofs, ${consistency.length} pairs of roots\n`,
  });
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
