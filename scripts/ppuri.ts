// `ppuri PROGRAM`, the entry point of the image: runs one of the programs, which take the rest of the arguments.
import { requireConfined } from './image/confinement.ts';

/** What the image runs, each loaded only when it is asked for. */
const PROGRAMS: Readonly<Record<string, () => Promise<unknown>>> = {
  server: () => import('../src/server/main.ts'),
  worker: () => import('../src/worker/main.ts'),
  migrate: () => import('./migrate.ts'),
  'await-migrations': () => import('./image/await-migrations.ts'),
  keys: () => import('./keys.ts'),
  verify: () => import('./verify.ts'),
  backup: () => import('./backup.ts'),
  restore: () => import('./restore.ts'),
  archive: () => import('./archive.ts'),
  checkpoints: () => import('./checkpoints.ts'),
  'archive-wal': () => import('./archive-wal.ts'),
  edge: () => import('./edge.ts'),
};

// Without the program's name the arguments are as the programs expect them.
const [name = ''] = process.argv.splice(2, 1);
const run = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
if (run) {
  requireConfined();
  await run();
} else {
  console.error(
    `${name === '' ? 'a program is missing' : `there is no program "${name}"`}: the image runs ${Object.keys(PROGRAMS).join(', ')}`,
  );
  process.exitCode = 1;
}
