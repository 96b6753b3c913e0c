// Several test files in one process: a server with all that it imports is loaded in 0.6 CPU s, and each file would pay that.
import { suite } from 'node:test';
import { pathToFileURL } from 'node:url';

/**
 * Runs test files one after the other, each as a suite with its path for a name: its hooks are its own, and a file that
 * cannot be loaded is one failure among the results of the others. The paths are relative to the current folder.
 */
export function runTogether(files: readonly string[]): void {
  for (const file of files)
    suite(file, async () => {
      await import(pathToFileURL(file).href);
    });
}
