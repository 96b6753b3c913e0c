// `npm run docs -- --out FOLDER`: writes the API reference as static files, for any web server.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { apiReference } from './api-reference/site.ts';
import { readCommandLine, SetupError } from './cli/program.ts';

const USAGE =
  'usage: npm run docs -- [--out FOLDER], relative to this repository; dist/docs when it is left out';

try {
  const { values, positionals } = readCommandLine(USAGE, { out: { type: 'string' } });
  if (positionals.length > 0) throw new SetupError(USAGE);
  const folder = resolve(values.out ?? 'dist/docs');
  const files = apiReference();
  for (const [path, text] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  console.log(`${folder}: ${files.size} files; index.html is the first page`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
