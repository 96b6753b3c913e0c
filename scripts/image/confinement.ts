// Whether a container is confined: without root, and without a file system that a taken-over program could write itself into.
import { readFileSync } from 'node:fs';
import { IMAGE_VARIABLES, readSettings } from '../cli/variables.ts';

/** What is too open about a process; nothing when it is confined as the image expects it. */
export function confinementFaults(uid: number | undefined, mounts: string): string[] {
  const faults: string[] = [];
  if (uid === 0)
    faults.push(
      'it runs as root: leave the user of the image as it is, or give it another one (--user, runAsUser)',
    );
  if (isRootWritable(mounts))
    faults.push('its root file system is writable: make it read-only (--read-only, readOnlyRootFilesystem)');
  return faults;
}

/** Whether `/` is mounted for writing, by the lines of /proc/self/mounts: device, mount point, type, options (proc_mounts(5)). */
function isRootWritable(mounts: string): boolean {
  // A later line covers an earlier one. Without any line for it nothing says that it is read-only.
  const root = mounts.split('\n').findLast((line) => line.split(' ')[1] === '/');
  return root?.split(' ')[3]?.split(',').includes('rw') ?? true;
}

/** Ends the process where it is not confined, with a line for each fault; with CONFINEMENT=warn it only prints them. */
export function requireConfined(): void {
  const { confinement } = readSettings(IMAGE_VARIABLES);
  const faults = confinementFaults(process.getuid?.(), readFileSync('/proc/self/mounts', 'utf8'));
  for (const fault of faults) console.error(`this container is not confined: ${fault}`);
  if (faults.length === 0 || confinement === 'warn') return;
  console.error('With CONFINEMENT=warn the program starts all the same.');
  process.exit(1);
}
