// Loaded into each test file by `npm test`: a file that has ended its tests but not its programs fails, and ends.
import type { ChildProcess } from 'node:child_process';
import { after } from 'node:test';

/** What the file's own clean-up may take, in milliseconds. */
const GRACE_MS = 30_000;

// The runner's own option for it (--test-force-exit) exits before all verdicts are told, and is silent about it.
// Programs that tests fork get the same flags, and are none of its business.
if (process.argv[1]?.endsWith('.test.ts')) {
  after(() => {
    const overdue = setTimeout(() => {
      console.error(`${process.argv[1]} left running: ${process.getActiveResourcesInfo().join(', ')}`);
      process.exit(1);
    }, GRACE_MS);
    overdue.unref();
  });
}

/** Passes on what a program prints. One that shared the file's own pipes would keep the runner waiting for them. */
export function forwardOutput(child: ChildProcess): void {
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => process.stderr.write(text));
}
