// Keeps what must not be read by others, or be half written, in the data folder.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a file that only its owner may read; at no time is it there in part. */
export function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

/** The secret of this name; made up by the first who asks. */
export function loadSecret(file: string, make: () => string = randomSecret): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const secret = make();
    writeSecret(file, secret);
    return secret;
  }
}

/** 256 random bits as 43 characters that need no escaping in a URL, a shell or a header. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url');
}
