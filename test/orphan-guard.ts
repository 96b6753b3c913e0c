// Loaded into each test file by `npm test`: a file that has ended its tests but not its programs fails and exits.
import { after } from 'node:test';

/** How long the clean-up of a file may take, in milliseconds. */
const GRACE_MS = 30_000;

// The runner's --test-force-exit exits before all results are reported, and says nothing. Programs that tests fork
// get the same flags and are left alone.
if (process.argv[1]?.endsWith('.test.ts')) {
  after(() => {
    const overdue = setTimeout(() => {
      console.error(`${process.argv[1]} left running: ${process.getActiveResourcesInfo().join(', ')}`);
      process.exit(1);
    }, GRACE_MS);
    overdue.unref();
  });
}
