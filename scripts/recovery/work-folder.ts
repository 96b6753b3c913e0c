// The folders in which restores work: each belongs to one restore, and says to which, so that no other one removes it.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { SetupError } from '../cli/program.ts';
import { identityOf } from '../dev/processes.ts';

/** Says which process made the folder. */
const MARKER = '.restore-process';
/** Folders below TMPDIR, with an unencrypted ledger in them. */
const TEMPORARY = 'ppuri-restore-';
const MOST_TRIES = 10;
/** Processes that were killed just now may still write. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10 } as const;

/**
 * Makes a folder for one restore. What a killed one left there is removed first. Throws a SetupError where another restore
 * works there, or where that is not certain.
 */
export function makeWorkFolder(folder: string): void {
  if (!tryMake(folder)) {
    const why = whyKept(folder);
    if (why !== undefined) throw new SetupError(`${folder} ${why}`);
    removeWorkFolder(folder);
    if (!tryMake(folder)) throw new SetupError(`another restore has begun in ${folder} just now`);
  }
  writeFileSync(join(folder, MARKER), self());
}

/** Makes one below TMPDIR, and removes those there that killed restores of this user left behind: their names go to `log`. */
export function makeTemporaryWorkFolder(log: (line: string) => void): string {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(TEMPORARY))) {
    const folder = join(tmpdir(), name);
    if (whyKept(folder) !== undefined) continue;
    removeWorkFolder(folder);
    log(`removed ${folder}, which a killed restore had left behind`);
  }
  const folder = mkdtempSync(join(tmpdir(), TEMPORARY));
  writeFileSync(join(folder, MARKER), self());
  return folder;
}

/** Removes it with all that is in it. */
export function removeWorkFolder(folder: string): void {
  // A file that a dying Postgres removes meanwhile ends rmSync without an error, and with the rest left.
  for (let tries = 0; tries < MOST_TRIES && existsSync(folder); tries++) rmSync(folder, REMOVAL);
}

function tryMake(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** This machine and its numbering of processes, and this process. A pid means nothing elsewhere, nor in another container. */
function self(): string {
  return `${place()}\n${identityOf(process.pid) ?? process.pid}\n`;
}

function place(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Why a folder must stay, as the end of a sentence; undefined where a restore made it that does not run any more. */
function whyKept(folder: string): string | undefined {
  const facts = lstatSync(folder, { throwIfNoEntry: false });
  if (facts && (!facts.isDirectory() || facts.uid !== (process.geteuid?.() ?? facts.uid)))
    return 'is no folder of this user: remove it';
  const [where = '', identity = ''] = markerOf(folder).split('\n');
  if (identity === '')
    return 'is there, and no restore says that it is its own: see what it is, and remove it';
  if (where !== place())
    return `belongs to a restore on ${where.split(' ')[0]}: where that does not run any more, remove ${basename(folder)}`;
  const pid = Number.parseInt(identity, 10);
  return identityOf(pid) === identity ? `belongs to another restore, which runs (process ${pid})` : undefined;
}

function markerOf(folder: string): string {
  try {
    return readFileSync(join(folder, MARKER), 'utf8');
  } catch {
    return '';
  }
}
