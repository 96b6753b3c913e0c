// Loaded into each process of tests by `npm test`, which fails where it exits before its tests have ended, and exits where
// programs are left running after them. Told to end, it ends what it has started.
import { after } from 'node:test';
import { killProcesses } from '../scripts/dev/processes.ts';

/** How long the clean-up of a process may take, in milliseconds. */
const GRACE_MS = 30_000;

// The runner's --test-force-exit exits before all results are reported, and says nothing. A program that is started with
// the flags of its test is left alone.
if (/\.test\.(ts|mjs)$/.test(process.argv[1] ?? '')) {
  let haveEnded = false;
  // The runner, told to end, tells each of these, and waits for no clean-up.
  process.once('SIGTERM', () => {
    killProcesses();
    process.exit(1);
  });
  after(() => {
    haveEnded = true;
    const overdue = setTimeout(() => {
      console.error(`${process.argv[1]} left running: ${process.getActiveResourcesInfo().join(', ')}`);
      process.exit(1);
    }, GRACE_MS);
    overdue.unref();
  });
  process.on('exit', () => {
    if (haveEnded) return;
    console.error(`${process.argv[1]} exited before its tests had ended`);
    process.exitCode = 1;
  });
}
