// Where backups and WAL are kept: a folder, or S3-compatible storage.
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../cli/program.ts';
import { folderStorage } from './folder-storage.ts';
import { s3Storage } from './s3-storage.ts';

/** An object in storage. */
export interface StoredObject {
  /** Its name with slashes, relative to the URL of the storage. */
  readonly key: string;
  readonly bytes: number;
  /** When it was stored, in milliseconds since 1970. */
  readonly storedAt: number;
}

/** Content as it comes, in pieces. */
export type Content = AsyncIterable<Uint8Array>;

/** A storage. Its methods throw a SetupError that names the storage and the object. */
export interface Storage {
  /** Its URL, which holds no credentials. */
  readonly url: string;
  /** The objects whose keys begin with a prefix, ordered by key. */
  list(prefix: string): Promise<StoredObject[]>;
  read(key: string): Promise<Content>;
  /** Stores an object as a whole or not at all; it survives a power cut once this resolves. */
  write(key: string, content: Content): Promise<void>;
  /** Makes an object that is there survive a power cut: write() may have been interrupted before it had done that. */
  sync(key: string): Promise<void>;
  /** Removes objects; one that is not there is no error. */
  remove(keys: readonly string[]): Promise<void>;
  /** Removes what interrupted writes left behind more than a day ago. */
  removeAbandoned(): Promise<void>;
}

/** For how long an interrupted write may still be under way, in milliseconds. */
export const ABANDONED_AFTER_MS = 24 * 60 * 60_000;

/**
 * The storage of a URL: a path, `file:///var/backups/ppuri`, or `s3://bucket/prefix?endpoint=URL&region=NAME`, with the
 * credentials of S3 in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
 */
export function openStorage(url: string, env: NodeJS.ProcessEnv): Storage {
  if (isAbsolute(url)) return folderStorage(url);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'file:') return folderStorage(fileURLToPath(parsed));
  if (parsed?.protocol === 's3:') return s3Storage(parsed, env);
  throw new SetupError(`a storage is an absolute path, file:///PATH or s3://BUCKET/PREFIX, not "${url}"`);
}

/** The whole of a small object as text. */
export async function readText(storage: Storage, key: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await storage.read(key)) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** Stores a value as JSON. */
export function writeJson(storage: Storage, key: string, value: unknown): Promise<void> {
  return storage.write(key, contentOf(Buffer.from(`${JSON.stringify(value, null, 2)}\n`)));
}

/** Bytes as content. */
export async function* contentOf(bytes: Uint8Array): Content {
  yield bytes;
}
