// The age format (age-encryption.org/v1). Keys and headers are the age library's; the payload is encrypted here, by OpenSSL's
// ChaCha20-Poly1305, which takes a twentieth of the CPU time that the library's JavaScript takes.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { SetupError } from '../cli/program.ts';
import type { Content } from './storage.ts';

/** Of the payload's plain content; the last chunk may be shorter. */
const CHUNK_BYTES = 64 << 10;
const TAG_BYTES = 16;
/** Between the header and the payload: the salt of the payload's key. */
const SALT_BYTES = 16;
/** A header has about 100 bytes for each recipient, and 1,600 for a post-quantum one. */
const MOST_HEADER_BYTES = 1 << 20;
const CIPHER = 'chacha20-poly1305';

/**
 * Makes a key pair. The private key goes into a new file that its owner alone can read, as `age-keygen` writes it. Returns
 * the public key. Throws a SetupError where the file is there.
 */
export async function makeKeyPair(file: string): Promise<string> {
  const { generateIdentity, identityToRecipient } = await import('age-encryption');
  const identity = await generateIdentity();
  const recipient = await identityToRecipient(identity);
  try {
    writeFileSync(file, `# public key: ${recipient}\n${identity}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SetupError(
      code === 'EEXIST'
        ? `${file} is there; a private key is never overwritten`
        : `cannot write ${file}: ${code}`,
    );
  }
  return recipient;
}

/** Encrypts content for recipients (`age1…`). Throws a SetupError for one that is no public key. */
export async function encrypt(content: Content, recipients: readonly string[]): Promise<Content> {
  const { header, fileKey } = await newHeader(recipients);
  return encryptedPayload(content, header, fileKey);
}

/** Lets the library wrap a new file key: a recipient of our own sees the key, and adds nothing to the header. */
async function newHeader(
  recipients: readonly string[],
): Promise<{ header: Uint8Array; fileKey: Uint8Array }> {
  // Loaded only where it is needed: that takes 0.1 s.
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw new SetupError(`"${recipient}" is no public key of age: those begin with age1`);
    }
  }
  let fileKey = new Uint8Array();
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = new Uint8Array(key);
      return [];
    },
  });
  const empty = await encrypter.encrypt(new Uint8Array());
  return { header: empty.subarray(0, empty.length - SALT_BYTES - TAG_BYTES), fileKey };
}

async function* encryptedPayload(content: Content, header: Uint8Array, fileKey: Uint8Array): Content {
  const salt = randomBytes(SALT_BYTES);
  const key = payloadKey(fileKey, salt);
  yield Buffer.concat([header, salt]);
  let index = 0;
  for await (const { chunk, isLast } of chunksOf(content, CHUNK_BYTES)) {
    const cipher = createCipheriv(CIPHER, key, nonceOf(index++, isLast), { authTagLength: TAG_BYTES });
    yield Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }
}

/**
 * Decrypts what encrypt(), or any other tool for age, made for one of the identities (`AGE-SECRET-KEY-1…`). Throws an Error
 * that says what is wrong with the content, and a SetupError for an identity that is none.
 */
export async function decrypt(content: Content, identities: readonly string[]): Promise<Content> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw new SetupError('the file of --identity holds no private key of age (AGE-SECRET-KEY-1…)');
    }
  }
  const pieces = content[Symbol.asyncIterator]();
  try {
    const { header, salt, rest } = await readHead(pieces);
    const key = payloadKey(await decrypter.decryptHeader(header), salt);
    return decryptedPayload(following(rest, pieces), key);
  } catch (error) {
    await pieces.return?.();
    throw error;
  }
}

interface Head {
  readonly header: Buffer;
  readonly salt: Buffer;
  /** What was read behind it. */
  readonly rest: Buffer;
}

async function readHead(pieces: AsyncIterator<Uint8Array>): Promise<Head> {
  for (let read = Buffer.alloc(0); ; ) {
    // The last line of the header has its MAC.
    const mac = read.indexOf('\n--- ');
    const end = mac === -1 ? 0 : read.indexOf('\n', mac + 1) + 1;
    if (end > 0 && read.length >= end + SALT_BYTES)
      return {
        header: read.subarray(0, end),
        salt: read.subarray(end, end + SALT_BYTES),
        rest: read.subarray(end + SALT_BYTES),
      };
    const next = await pieces.next();
    if (next.done || read.length > MOST_HEADER_BYTES)
      throw new Error('it does not begin as an age file does');
    read = Buffer.concat([read, next.value]);
  }
}

async function* following(first: Uint8Array, pieces: AsyncIterator<Uint8Array>): Content {
  try {
    yield first;
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
  } finally {
    await pieces.return?.();
  }
}

async function* decryptedPayload(content: Content, key: Uint8Array): Content {
  let index = 0;
  for await (const { chunk, isLast } of chunksOf(content, CHUNK_BYTES + TAG_BYTES)) {
    const end = chunk.length - TAG_BYTES;
    // An empty chunk is allowed as the only one.
    if (end < 0 || (end === 0 && index > 0)) throw new Error('it was cut off');
    const decipher = createDecipheriv(CIPHER, key, nonceOf(index++, isLast), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(chunk.subarray(end));
    yield Buffer.concat([decipher.update(chunk.subarray(0, end)), decipher.final()]);
  }
}

function payloadKey(fileKey: Uint8Array, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', fileKey, salt, 'payload', 32));
}

/** The number of the chunk in 11 bytes, and whether it is the last one. */
function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Content in chunks of the same size, but for the last one. A chunk is overwritten by the next. */
async function* chunksOf(
  content: Content,
  size: number,
): AsyncGenerator<{ readonly chunk: Buffer; readonly isLast: boolean }> {
  const held = Buffer.alloc(size);
  let used = 0;
  for await (const piece of content)
    for (let at = 0; at < piece.length; ) {
      if (used === size) {
        yield { chunk: held, isLast: false };
        used = 0;
      }
      const count = Math.min(size - used, piece.length - at);
      held.set(piece.subarray(at, at + count), used);
      used += count;
      at += count;
    }
  yield { chunk: held.subarray(0, used), isLast: true };
}
