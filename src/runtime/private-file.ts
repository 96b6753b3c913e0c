// Files and folders that nobody but their owner may read: logs say who paid whom.
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';

/** The mode of a log file. */
export const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const OTHERS = 0o077;

/**
 * Makes a folder of logs. An existing folder is closed to other users only if it holds nothing but logs: /var/log is not
 * ours to close. Throws if it cannot be made.
 */
export function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const { mode, uid } = statSync(folder);
  const isOurs = uid === process.getuid?.();
  if ((mode & OTHERS) === 0 || !isOurs) return;
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.every((entry) => entry.isFile() && /\.log(?:[.-][\w.-]*)?$/.test(entry.name)))
    chmodSync(folder, PRIVATE_FOLDER);
}
