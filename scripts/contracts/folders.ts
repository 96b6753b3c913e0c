// Compares two folders file by file, and makes one like the other.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A file that is not the same in both folders. */
export interface Difference {
  /** Below the folders. */
  readonly path: string;
  readonly how: 'differs' | 'is missing' | 'should not be there';
}

/** The files in which `actual` is not like `expected`, by path. A folder that does not exist is empty. */
export function differences(expected: string, actual: string): Difference[] {
  const expectedFiles = filesIn(expected);
  const actualFiles = filesIn(actual);
  return [...new Set([...expectedFiles, ...actualFiles])].toSorted().flatMap((path): Difference[] => {
    if (!actualFiles.has(path)) return [{ path, how: 'is missing' }];
    if (!expectedFiles.has(path)) return [{ path, how: 'should not be there' }];
    const isSame = readFileSync(join(expected, path)).equals(readFileSync(join(actual, path)));
    return isSame ? [] : [{ path, how: 'differs' }];
  });
}

/** Makes `actual` like `expected` by changing only the files that differ. */
export function mirror(expected: string, actual: string, found: readonly Difference[]): void {
  for (const { path, how } of found) {
    if (how === 'should not be there') rmSync(join(actual, path));
    else cpSync(join(expected, path), join(actual, path));
  }
}

function filesIn(folder: string): Set<string> {
  if (!existsSync(folder)) return new Set();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return new Set(files.map((entry) => relative(folder, join(entry.parentPath, entry.name))));
}
