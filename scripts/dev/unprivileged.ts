// Finds a way to run PostgreSQL, which refuses to run as root.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { SetupError } from './setup-error.ts';

/** How a program is run so that it is not root. */
export interface Unprivileged {
  /** What to put before the command. */
  readonly prefix: readonly string[];
  /** Whom to run it as; undefined for whoever runs this. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

const USER = 'postgres';
/** Root outside looks like user 1000 inside; files stay root's, so folders that only root may enter stay open. */
const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000'] as const;

/** The command line that runs a program so. */
export function commandLine(
  { prefix }: Unprivileged,
  program: string,
  args: readonly string[],
): { command: string; args: string[] } {
  const [command, ...rest] = [...prefix, program, ...args];
  return { command: command ?? program, args: rest };
}

let found: Unprivileged | undefined;

/** The way that works on this machine. */
export function findUnprivileged(): Unprivileged {
  found ??= probe();
  return found;
}

function probe(): Unprivileged {
  if (process.getuid?.() !== 0) return { prefix: [], user: undefined };
  const [unshare, ...args] = NAMESPACE;
  if (spawnSync(unshare, [...args, 'true']).status === 0) return { prefix: NAMESPACE, user: undefined };
  return { prefix: [], user: findUser() ?? makeUser() };
}

function findUser(): Unprivileged['user'] {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, USER], { encoding: 'utf8' }));
  if (uid?.status !== 0 || gid?.status !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function makeUser(): Unprivileged['user'] {
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', USER]);
  const user = findUser();
  if (!user) {
    throw new SetupError(`PostgreSQL does not run as root; add a user named ${USER}, or run as another user`);
  }
  return user;
}

/** Gives a folder to whoever the program is run as. Throws a SetupError when that user cannot get at a path. */
export function handOver({ user }: Unprivileged, folder: string, binary: string): void {
  const owner = user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (process.getuid?.() === 0 && statSync(folder).uid !== owner.uid) {
    spawnSync('chown', ['-R', `${owner.uid}:${owner.gid}`, folder]);
  }
  if (!user) return;
  for (const path of [binary, folder]) {
    if (spawnSync('test', ['-x', path], { ...user, cwd: '/' }).status === 0) continue;
    throw new SetupError(
      `PostgreSQL does not run as root, and the user ${USER} cannot enter ${path}; ` +
        'open its parent folders to others (chmod o+x), move the project, or run as another user',
    );
  }
}
