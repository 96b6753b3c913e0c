// Which test files run in which process, and in which order.
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const TOGETHER = join(ROOT, 'test', 'together.ts');
const OPERATIONS = 'test/ops/**';

/** Files that take longest begin first, so that none of them runs alone in the end. */
const LONG = [
  'test/worker/job-faults.test.ts',
  'test/worker/payout-faults.test.ts',
  'test/runtime/rolling-restart.test.ts',
  'test/faults/redis.test.ts',
  'test/faults/postgres.test.ts',
  'test/race/crash.test.ts',
  'test/scripts/payout.test.ts',
];

/** Files that count what their process has loaded or holds. All others share processes with files of their folder. */
const ALONE = [
  'test/tracing/off.test.ts',
  'test/runtime/failed-start.test.ts',
  // Its process must have collected garbage of each kind before it counts, which a new one does while it starts.
  'test/runtime/series.test.ts',
];

/** A process with more files could run alone in the end. */
const FILES_PER_PROCESS = 8;

/** The test files of `npm test`, or of `npm run test:ops`, by processes, in the order in which they begin. */
export function planTests(operations: boolean): string[][] {
  if (operations)
    return globSync(`${OPERATIONS}/*.test.ts`, { cwd: ROOT })
      .sort()
      .map((file) => [file]);
  const alone = [...LONG, ...ALONE];
  const sharing = globSync('test/**/*.test.ts', { cwd: ROOT, exclude: [OPERATIONS, ...alone] }).sort();
  const processes = [...Map.groupBy(sharing, dirname).values()].flatMap(split);
  const bySize = processes.sort((one, other) => other.length - one.length);
  return [...LONG.map((file) => [file]), ...bySize, ...ALONE.map((file) => [file])];
}

/** Deals files out over as few processes as they need. */
function split(files: readonly string[]): string[][] {
  const count = Math.ceil(files.length / FILES_PER_PROCESS);
  return Array.from({ length: count }, (_, start) => files.filter((_file, index) => index % count === start));
}

/** Writes a file for each process that runs its test files, and returns their paths, which sort by the order of the plan. */
export function writeProcesses(plan: readonly string[][], folder: string): string[] {
  mkdirSync(folder);
  return plan.map((files, index) => {
    const [first = ''] = files;
    const name = files.length > 1 ? basename(dirname(first)) : basename(first, '.test.ts');
    const path = join(folder, `${String(index).padStart(3, '0')}-${name}.test.mjs`);
    writeFileSync(
      path,
      `import { runTogether } from ${JSON.stringify(TOGETHER)};\nrunTogether(${JSON.stringify(files)});\n`,
    );
    return path;
  });
}
