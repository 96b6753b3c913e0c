// Loaded into each process of tests by `npm test`, which fails where it exits before its tests have ended, and exits where
// programs are left running after them.
import { after } from 'node:test';

/** How long the clean-up of a process may take, in milliseconds. */
const GRACE_MS = 30_000;

// The runner's --test-force-exit exits before all results are reported, and says nothing. A program that is started with
// the flags of its test is left alone.
if (/\.test\.(ts|mjs)$/.test(process.argv[1] ?? '')) {
  let haveEnded = false;
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
