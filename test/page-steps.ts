// The commands of a page, for tests that run them as they are written, but for places, ids and addresses.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun } from './must-run.ts';

const ROOT = join(import.meta.dirname, '..');

/** The lines of all blocks in a section of a page, in order. Throws where there are none. */
export function commandsOf(page: string, section: string): string[] {
  const [, text = ''] = readFileSync(join(ROOT, page), 'utf8').split(`\n## ${section}\n`);
  const [own = ''] = text.split('\n## ');
  const lines = [...own.matchAll(/^```(?:sh)?\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  );
  if (lines.length === 0) throw new Error(`${page} has no commands in the section ${section}`);
  return lines;
}

/**
 * Runs a line in a shell, in a folder, and returns what an operator sees: stdout and stderr. Throws where it fails.
 * @param places What stands in the line, and what takes its place.
 */
export function runLine(
  line: string,
  places: Readonly<Record<string, string>>,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  const placed = Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, to), line);
  const command = placed
    .replace(/\bnpm run (keys|call|backup|restore|drill) --/g, `node ${ROOT}/scripts/$1.ts`)
    .replaceAll(' scripts/', ` ${ROOT}/scripts/`);
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  return mustRun('sh', ['-ec', `exec 2>&1\n${command}`], {
    cwd,
    env: { ...process.env, ...env, PATH: path },
  });
}
