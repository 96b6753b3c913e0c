// What is encrypted here opens with the age library and the other way round; whatever was changed or cut off does not open.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateIdentity,
  identityToRecipient,
} from 'age-encryption';
import { decrypt, encrypt } from '../../scripts/recovery/age.ts';
import type { Content } from '../../scripts/recovery/storage.ts';

const CHUNK = 64 << 10;
const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5];

/** Content in pieces that end nowhere in particular. */
async function* inPieces(bytes: Uint8Array, pieceBytes = 40_001): Content {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function whole(content: Content): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function keyPair(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

test('the age library opens what is encrypted here, for each of several recipients', async () => {
  const pairs = [await keyPair(), await keyPair()];
  for (const size of SIZES) {
    const plain = randomBytes(size);
    const sealed = await whole(
      await encrypt(
        inPieces(plain),
        pairs.map(({ recipient }) => recipient),
      ),
    );
    for (const { identity } of pairs) {
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      assert.deepEqual(Buffer.from(await decrypter.decrypt(sealed)), plain, `${size} bytes`);
    }
  }
});

test('what the age library encrypted is opened here, whatever pieces it comes in', async () => {
  const { identity, recipient } = await keyPair();
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  for (const size of SIZES)
    for (const pieceBytes of [7, CHUNK + 16, 10 * CHUNK]) {
      const plain = randomBytes(size);
      const sealed = await encrypter.encrypt(plain);
      const opened = await whole(await decrypt(inPieces(sealed, pieceBytes), [identity]));
      assert.deepEqual(opened, plain, `${size} bytes in pieces of ${pieceBytes}`);
    }
});

test('a post-quantum key', async () => {
  const identity = await generateHybridIdentity();
  const plain = randomBytes(CHUNK + 1);
  const sealed = await encrypt(inPieces(plain), [await identityToRecipient(identity)]);
  assert.deepEqual(await whole(await decrypt(sealed, [identity])), plain);
});

test('a byte that was changed, chunks that are missing, moved or added, and another key', async () => {
  const { identity, recipient } = await keyPair();
  const sealed = await whole(await encrypt(inPieces(randomBytes(2 * CHUNK + 9)), [recipient]));
  const payload = sealed.length - (2 * (CHUNK + 16) + 9 + 16);
  const second = payload + CHUNK + 16;
  const opens = async (bytes: Uint8Array, key = identity) => whole(await decrypt(inPieces(bytes), [key]));
  assert.equal((await opens(sealed)).length, 2 * CHUNK + 9);
  for (const at of [30, payload - 1, payload, second, sealed.length - 1]) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await assert.rejects(opens(changed), `the byte at ${at}`);
  }
  // The first character of the header's MAC; the rest of the header is as it was.
  const mac = sealed.indexOf('\n--- ') + 5;
  const forged = Buffer.from(sealed);
  forged.write(sealed[mac] === 65 ? 'B' : 'A', mac);
  await assert.rejects(opens(forged), /invalid header HMAC/);
  for (const end of [0, 10, payload - 16, payload, second, second + CHUNK + 16, sealed.length - 1])
    await assert.rejects(opens(sealed.subarray(0, end)), `cut off at ${end}`);
  const [head, first, next] = [
    sealed.subarray(0, payload),
    sealed.subarray(payload, second),
    sealed.subarray(second, second + CHUNK + 16),
  ];
  const last = sealed.subarray(second + CHUNK + 16);
  await assert.rejects(opens(Buffer.concat([head, next, first, last])), 'chunks that changed places');
  await assert.rejects(opens(Buffer.concat([sealed, Buffer.alloc(16)])), 'something was added');
  await assert.rejects(opens(sealed, (await keyPair()).identity), /no identity matched/);
});
