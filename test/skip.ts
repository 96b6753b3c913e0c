// What a test file does where a part cannot be had: it says so loudly, and with CI=true it fails.
import type { FoundProgram, FoundPrograms } from '../scripts/dev/install.ts';

/** For tests that need the edge: the reason to skip them, or false. `npm test` has said so loudly. */
export const withoutEdge = process.env.TEST_ENVOY === '' ? 'Envoy cannot be had here' : false;

/** A program for tests, or why they are skipped; where it must be had (CI), that it is missing is an error. */
export function orSkip(found: FoundProgram, what: string): { path: string; skip: string | false } {
  if ('path' in found) return { path: found.path, skip: false };
  return { path: '', skip: reportMissing(what, found.reason) };
}

/** The same for programs that come together. */
export function orSkipAll(
  found: FoundPrograms,
  what: string,
): { paths: readonly string[]; skip: string | false } {
  if ('paths' in found) return { paths: found.paths, skip: false };
  return { paths: [], skip: reportMissing(what, found.reason) };
}

function reportMissing(what: string, reason: string): string {
  const line = `${what} cannot be had: ${reason}`;
  if (process.env.CI === 'true') throw new Error(line);
  console.error(`\n!!! ${line}\n!!! The tests that need it are SKIPPED.\n`);
  return line;
}
