// `npm run gen`: prints gen/ and the Python client's _gen/ from the contracts, or with --check reports where they differ.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { differences, mirror } from './contracts/folders.ts';
import { PRINTED, printContracts } from './contracts/print-contracts.ts';

const root = resolve(import.meta.dirname, '..');

const { values } = parseArgs({
  options: {
    // Changes nothing; fails when a folder differs from the contracts.
    check: { type: 'boolean', default: false },
    // A folder other than the repository's, for tests.
    root: { type: 'string', default: root },
  },
});

const fresh = mkdtempSync(join(tmpdir(), 'ppuri-gen-'));
try {
  printContracts(root, fresh);
  for (const name of PRINTED) bring(name);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

/** Compares a folder with what was printed, or makes it like that. */
function bring(name: string): void {
  const folder = resolve(values.root, name);
  const found = differences(join(fresh, name), folder);
  if (!values.check) {
    mirror(join(fresh, name), folder, found);
    console.log(`${name}: ${found.length === 0 ? 'nothing new' : `files changed: ${found.length}`}`);
  } else if (found.length > 0) {
    for (const { path, how } of found) console.error(`${join(name, path)}: ${how}`);
    console.error(`${name} is not what the contracts print: run npm run gen and commit what it changes`);
    process.exitCode = 1;
  } else {
    console.log(`${name} is what the contracts print`);
  }
}
