// `npm run gen`: prints gen/ from the contracts, or with --check reports where gen/ differs from them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { differences, mirror } from './contracts/folders.ts';
import { printContracts } from './contracts/print-contracts.ts';

const root = resolve(import.meta.dirname, '..');

const { values } = parseArgs({
  options: {
    // Changes nothing; fails when the folder differs from the contracts.
    check: { type: 'boolean', default: false },
    // A folder other than gen/, for tests.
    folder: { type: 'string', default: join(root, 'gen') },
  },
});

const folder = resolve(values.folder);
const name = relative(root, folder).startsWith('..') ? folder : relative(root, folder);
const fresh = mkdtempSync(join(tmpdir(), 'ppuri-gen-'));
try {
  printContracts(root, fresh);
  const found = differences(fresh, folder);
  if (!values.check) {
    mirror(fresh, folder, found);
    console.log(`${name}: ${found.length === 0 ? 'nothing new' : `files changed: ${found.length}`}`);
  } else if (found.length > 0) {
    for (const { path, how } of found) console.error(`${join(name, path)}: ${how}`);
    console.error(`${name} is not what the contracts print: run npm run gen and commit what it changes`);
    process.exitCode = 1;
  } else {
    console.log(`${name} is what the contracts print`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
