// What the log's owner signs: checkpoints (https://c2sp.org/tlog-checkpoint) as signed notes (https://c2sp.org/signed-note) with
// Ed25519 (RFC 8032).
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { HASH_BYTES } from './merkle.ts';

/** The algorithm's byte before an Ed25519 public key. */
const ED25519 = 0x01;
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** A note has a few hundred bytes; more signatures than this no log has. */
const MAX_NOTE_CHARACTERS = 16_384;
/** DER before the 32 bytes of an Ed25519 public key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The size and the root of a log. */
export interface Checkpoint {
  /** The name of the log. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A public key of a log. */
export interface LogVerifier {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly publicKey: KeyObject;
}

const isName = (name: string) => /^[^\s+\p{C}]{1,255}$/u.test(name);

/** Base64 whose text is the only one for its bytes; undefined for any other. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** The text of a public key, as those who verify get it: `name+id+key`. */
export function verifierText(name: string, publicKey: KeyObject): string {
  const encoded = Buffer.from([ED25519, ...rawKey(publicKey)]);
  return `${name}+${keyIdOf(name, encoded).toString('hex')}+${encoded.toString('base64')}`;
}

/** The key of such a text; undefined for a text that is none, or whose id is not the key's. */
export function parseVerifier(text: string): LogVerifier | undefined {
  const [, name = '', id = '', base64 = ''] = /^([^+]+)\+([\da-f]{8})\+([\w+/=]{1,64})$/.exec(text) ?? [];
  const encoded = strictBase64(base64);
  if (!isName(name) || encoded?.length !== 1 + HASH_BYTES || encoded[0] !== ED25519) return undefined;
  const keyId = keyIdOf(name, encoded);
  if (keyId.toString('hex') !== id) return undefined;
  const der = Buffer.concat([SPKI_PREFIX, encoded.subarray(1)]);
  return { name, keyId, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

/** The text of a checkpoint, which is signed. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
}

/** A note: the text, an empty line, and a line for each signature. */
export function signNote(
  text: string,
  signers: readonly { readonly name: string; readonly privateKey: KeyObject }[],
): string {
  const lines = signers.map(({ name, privateKey }) => {
    const encoded = Buffer.from([ED25519, ...rawKey(createPublicKey(privateKey))]);
    const signature = sign(null, Buffer.from(text), privateKey);
    return `— ${name} ${Buffer.concat([keyIdOf(name, encoded), signature]).toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Reads a checkpoint that one of these keys signed. Signatures by other keys are passed over; a wrong one by a known key is a
 * fault. Returns what is wrong as text.
 */
export function parseCheckpoint(note: string, verifiers: readonly LogVerifier[]): Checkpoint | string {
  const end = note.indexOf('\n\n');
  if (note.length > MAX_NOTE_CHARACTERS || end < 0) return 'the checkpoint is no signed note';
  const text = note.slice(0, end + 1);
  const fault = signatureFault(text, note.slice(end + 2), verifiers);
  if (fault) return fault;
  const [origin = '', digits = '', base64 = '', ...more] = text.split('\n');
  const root = strictBase64(base64);
  if (
    !isName(origin) ||
    !/^(0|[1-9]\d{0,14})$/.test(digits) ||
    root?.length !== HASH_BYTES ||
    more.length !== 1
  )
    return 'the checkpoint is not: name, size, root';
  return { origin, size: Number(digits), root };
}

function signatureFault(text: string, lines: string, verifiers: readonly LogVerifier[]): string | undefined {
  if (!lines.endsWith('\n')) return 'the checkpoint has no signature';
  let isSigned = false;
  for (const line of lines.slice(0, -1).split('\n')) {
    const [, name = '', base64 = ''] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = strictBase64(base64);
    if (!isName(name) || !bytes || bytes.length <= KEY_ID_BYTES)
      return 'a signature line of the checkpoint is malformed';
    const keyId = bytes.subarray(0, KEY_ID_BYTES);
    const signature = bytes.subarray(KEY_ID_BYTES);
    const known = verifiers.find((one) => one.name === name && keyId.equals(one.keyId));
    if (!known) continue;
    if (signature.length !== SIGNATURE_BYTES || !verify(null, Buffer.from(text), known.publicKey, signature))
      return `the signature of the checkpoint by ${name} is wrong`;
    isSigned = true;
  }
  return isSigned ? undefined : 'no known key signed the checkpoint';
}

function rawKey(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}

function keyIdOf(name: string, encoded: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), encoded]), 'buffer').subarray(
    0,
    KEY_ID_BYTES,
  );
}
