// How backups and WAL are stored: compressed with Zstandard, then encrypted with age (age-encryption.org/v1) for keys whose private halves are kept elsewhere.
import { Readable, type Transform } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { SetupError } from '../cli/program.ts';
import { decrypt, encrypt } from './age.ts';
import type { Content } from './storage.ts';

/** The end of the key of what was compressed and encrypted. */
const ENCRYPTED = '.zst.age';
const PLAIN = '.zst';

/** The end of the key of what is sealed for these recipients; without recipients it is only compressed. */
export function suffixFor(recipients: readonly string[]): string {
  return recipients.length > 0 ? ENCRYPTED : PLAIN;
}

/** Compresses content, and encrypts it for the recipients (`age1…`). */
export async function seal(content: Content, recipients: readonly string[]): Promise<Content> {
  const compressed = through(
    content,
    createZstdCompress({
      // A checksum shows damage where no encryption does.
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
    }),
  );
  if (recipients.length === 0) return compressed;
  return encrypt(compressed, recipients);
}

/** Content through a transform. Nothing flows before it is asked for: nobody would hear of an error until then. */
async function* through(content: Content, transform: Transform): Content {
  const source = Readable.from(content, { objectMode: false });
  source.once('error', (error) => transform.destroy(error));
  source.pipe(transform);
  yield* transform;
}

/**
 * Decrypts and decompresses what seal() made. Throws a SetupError that names the object where none of the identities
 * (`AGE-SECRET-KEY-1…`) opens it, or where it is damaged.
 */
export async function unseal(content: Content, key: string, identities: readonly string[]): Promise<Content> {
  const decrypted = key.endsWith(ENCRYPTED) ? await opened(content, key, identities) : content;
  return named(through(decrypted, createZstdDecompress()), key);
}

async function* named(content: Content, key: string): Content {
  try {
    yield* content;
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${key} is damaged: ${(error as Error).message}`);
  }
}

async function opened(content: Content, key: string, identities: readonly string[]): Promise<Content> {
  if (identities.length === 0)
    throw new SetupError(`${key} is encrypted: name the file with the private key by --identity`);
  try {
    return await decrypt(content, identities);
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const { message } = error as Error;
    throw new SetupError(
      /no identity matched/.test(message)
        ? `${key} was encrypted for another key than that of --identity`
        : `${key} is damaged: ${message}`,
    );
  }
}
