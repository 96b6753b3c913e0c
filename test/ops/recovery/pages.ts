// Commands of pages, to run as they are written but for the places that they name.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findPgTools } from '../../../scripts/ops/parts/pg-tools.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const run = promisify(execFile);

/** The blocks of code of a page that name no language, each as its lines. */
function blocksOf(page: string): string[][] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, block = '']) =>
    language === '' ? [block.trim().split('\n')] : [],
  );
}

/** The lines of the one block of code of a page that has this text. */
export function linesWith(page: string, text: string): string[] {
  return only(
    blocksOf(page).filter((lines) => lines.join('\n').includes(text)),
    `${page}: ${text}`,
  );
}

/** The one line of code of a page that is of this form. */
export function lineOf(page: string, form: RegExp): string {
  return only(
    blocksOf(page)
      .flat()
      .filter((line) => form.test(line)),
    `${page}: ${form}`,
  );
}

function only<T>(found: readonly T[], what: string): T {
  const [one] = found;
  if (one === undefined || found.length > 1) throw new Error(`${what} is there ${found.length} times`);
  return one;
}

/** A line whose names of places are those of a test. */
export function placed(line: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, to), line);
}

/** The command of `npm run restore`, in place of npm, which runs in the repository alone. */
export const RESTORE = `node ${join(ROOT, 'scripts', 'restore.ts')}`;

/** PATH with the Node of this process as `node`, and with PostgreSQL's tools. */
export async function pathWithTools(): Promise<string> {
  const tools = dirname((await findPgTools()).pathOf('psql'));
  return [dirname(process.execPath), tools, process.env.PATH].join(delimiter);
}

/** Runs a line in a shell; its stdout. */
export async function shell(
  line: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await run('bash', ['-ec', `set -o pipefail; ${line}`], {
    cwd: folder,
    env: { ...process.env, PATH: await pathWithTools(), ...env },
  });
  return stdout;
}
