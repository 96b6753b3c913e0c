// Runs PostgreSQL's client programs: pg_dump, pg_restore, pg_basebackup.
import { spawn } from 'node:child_process';

const PASSWORD = 'password=';

/**
 * The connection string of a URL without its password, and the variable that passes the password, because command lines can
 * be seen by others. A URL without a password leaves PGPASSWORD as it is.
 */
export function withoutPassword(url: string): {
  readonly href: string;
  readonly env: { readonly PGPASSWORD?: string };
} {
  const bare = new URL(url);
  const fields = bare.search.slice(1).split('&');
  // A field of the query counts more than the one before the host (PostgreSQL documentation, "Connection URIs").
  const field = fields.findLast((text) => text.startsWith(PASSWORD));
  const password = decodeURIComponent(field?.slice(PASSWORD.length) ?? bare.password);
  bare.password = '';
  if (field !== undefined) bare.search = fields.filter((text) => !text.startsWith(PASSWORD)).join('&');
  return { href: bare.href, env: password ? { PGPASSWORD: password } : {} };
}

/** The last error that a program told. What begins with a tab goes on with the line before; notices and hints are no errors. */
export function lastError(said: string): string {
  const lines = said
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(?:\t|NOTICE|HINT|DETAIL)/.test(line));
  return lines.findLast((line) => /\b(?:error|ERROR|FATAL):/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}

/** Starts a program; `ended` is why it failed, and undefined where it did not. */
export function startProgram(path: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(path, args, { env: { ...process.env, LC_ALL: 'C', ...env } });
  let said = '';
  child.stderr.on('data', (text) => {
    said = (said + text).slice(0, 4_000);
  });
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      process.off('exit', kill);
      // One that is killed says nothing.
      const why = said.trim().split('\n')[0] || `${path} failed (${signal ?? `exit code ${code}`})`;
      resolve(code === 0 ? undefined : why);
    });
  });
  return { child, ended };
}
